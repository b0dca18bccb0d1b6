//! The page: what it holds, that nothing in it does harm, and how large it becomes.

use std::sync::OnceLock;

use report::{Run, Section, html};

use crate::made::{HOSTILE, Size, make};

/// The page of a small run, made once for all tests.
pub(crate) fn small() -> &'static str {
    static PAGE: OnceLock<String> = OnceLock::new();
    PAGE.get_or_init(|| page(Size::SMALL))
}

fn page(size: Size) -> String {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), size);
    let paper = Section {
        title: format!("Table 1. {HOSTILE}"),
        head: vec![String::new(), "N_break".into()],
        rows: vec![vec!["LLaMA 1B".into(), "14".into()]],
        ..Section::default()
    };
    html(&Run::open(folder.path()).unwrap(), &[paper]).unwrap()
}

#[test]
fn a_page_holds_its_parts_and_asks_for_nothing() {
    let page = small();
    for part in ["answer", "warnings", "what-if", "charts", "figures", "paper", "cells", "instruments", "definitions"] {
        assert!(page.contains(&format!("<section id=\"{part}\"")), "{part}");
    }
    // Every chart has data: nothing is missing in this run.
    assert!(!page.contains("class=\"nothing\""), "{:?}", page.split("class=\"nothing\"").nth(1).map(|rest| &rest[..200]));
    assert!(page.contains("default-src 'none'"));
    for asking in ["<link", "<iframe", "<object", "<embed", "src=\"http", "src=\"//", "@import", "url("] {
        let ours = page.replace(include_str!("../../src/html/vendor/plotly-basic.min.js"), "");
        assert!(!ours.contains(asking), "{asking}");
    }
}

#[test]
fn hostile_text_stays_text() {
    let page = small();
    assert!(!page.contains("<script>window.hacked"), "it would run");
    assert!(!page.contains("<img"), "there is no image in a page of ours");
    // As many elements as there are begun are ended: nothing ends one early.
    assert_eq!(page.matches("<script").count(), page.matches("</script>").count());
    assert!(page.contains("&lt;/script&gt;"), "in the text of a table");
    assert!(page.contains(r"\u003c/script\u003e") && page.contains(r"\u2028"), "in data");
}

#[test]
fn the_same_records_give_the_same_page() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), Size { runs: 2, ..Size::SMALL });
    let page = || html(&Run::open(folder.path()).unwrap(), &[]).unwrap();
    assert_eq!(page(), page());
}

#[test]
fn a_run_of_which_nothing_has_run_has_a_page_of_reasons() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), Size { runs: 2, ..Size::SMALL });
    for gone in ["records", "requests", "power"] {
        std::fs::remove_dir_all(folder.path().join(gone)).unwrap();
    }
    let page = html(&Run::open(folder.path()).unwrap(), &[]).unwrap();
    assert!(page.contains("has not run yet") && page.matches("class=\"nothing\"").count() > 10);
}

/// `cargo test --release -p report --test it -- --ignored --nocapture the_largest` tells how long it takes.
#[test]
#[ignore = "writes 144,000 requests and ten million power samples; takes a minute"]
fn the_largest_page_is_small_enough() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), Size::LARGE);
    let began = record::clock::now();
    let run = Run::open(folder.path()).unwrap();
    let read = record::clock::now();
    let page = html(&run, &[]).unwrap();
    let done = record::clock::now();
    println!("read {:.2} s, page {:.2} s, {} bytes", read.since(began).get(), done.since(read).get(), page.len());
    if let Some(keep) = option_env!("EDGE_EVAL_KEEP_PAGE") {
        std::fs::write(keep, &page).unwrap();
    }
    assert!(page.len() < 15_000_000, "{} bytes", page.len());
}
