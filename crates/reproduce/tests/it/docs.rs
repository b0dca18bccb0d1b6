//! The committed page is what the command prints.

use std::{fs, path::Path};

use reproduce::{Format, Logs, SHIPPED_SOURCE, of_logs, render};

#[test]
fn the_page_is_the_commands_output() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reproduction.md");
    let printed = render(&of_logs(&Logs::shipped().unwrap(), SHIPPED_SOURCE).unwrap(), Format::Markdown).unwrap();
    let committed = fs::read_to_string(page).unwrap();
    assert!(committed == printed, "make it again: edge-eval reproduce --format md > docs/reproduction.md");
}
