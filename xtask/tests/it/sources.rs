//! Every source file: opens with what it is, stays short, has no silent exceptions, and speaks of the project only.

use std::path::Path;

use crate::repository::{files, none, read, root};

/// Lines of a file without its tests.
const LONGEST: usize = 500;

/// Files that may be longer, each with the reason.
const LONG: &[(&str, &str)] = &[];

/// Words that have no place in the repository: package registries are the toolchain's business.
const HOSTS: &[&str] = &[concat!("crates", ".io"), concat!("pypi", ".org"), concat!("npmjs", ".com"), concat!("docs", ".rs/")];

#[test]
fn every_file_opens_with_what_it_is() {
    let bare = files(&["rs"]).into_iter().filter(|path| !read(&root().join(path)).starts_with("//! "));
    none(&bare.map(|path| format!("{} does not begin with `//! `", path.display())).collect::<Vec<_>>());
}

#[test]
fn files_are_short() {
    let mut complaints = Vec::new();
    for path in files(&["rs"]) {
        let name = path.to_string_lossy();
        let lines = without_tests(&read(&root().join(&path))).lines().count();
        let excepted = LONG.iter().any(|(long, _)| *long == name);
        if lines > LONGEST && !excepted {
            complaints.push(format!("{name} has {lines} lines without its tests: look for the second thing in it"));
        }
        if lines <= LONGEST && excepted {
            complaints.push(format!("{name} is short now: take it off the list"));
        }
    }
    none(&complaints);
}

#[test]
fn exceptions_to_lints_are_expected_not_allowed() {
    let allow = [concat!("#[al", "low("), concat!("#![al", "low(")];
    let lines = all_lines(|_| true).filter(|(_, line)| allow.iter().any(|word| line.contains(word)));
    none(&lines.map(|(place, line)| format!("{place}: {line}")).collect::<Vec<_>>());
}

#[test]
fn unwrap_is_for_tests() {
    let unwrap = concat!(".unw", "rap()");
    let lines = all_lines(|path| !is_test(path)).filter(|(_, line)| line.contains(unwrap) && !line.trim_start().starts_with("//"));
    none(&lines.map(|(place, line)| format!("{place}: {line}")).collect::<Vec<_>>());
}

#[test]
fn candle_is_named_in_model_only() {
    let names = ["candle_core", "candle_nn", "candle_transformers"];
    let outside = |path: &Path| !path.starts_with("crates/model") && !path.starts_with("xtask/tests");
    let lines = all_lines(outside).filter(|(_, line)| names.iter().any(|name| line.contains(name)));
    none(&lines.map(|(place, line)| format!("{place}: {line}")).collect::<Vec<_>>());
}

#[test]
fn no_package_registry_is_named() {
    let mut complaints = Vec::new();
    for path in files(&["rs", "md", "toml", "sh", "py", "yml"]) {
        let text = read(&root().join(&path));
        let found = HOSTS.iter().filter(|host| text.contains(**host));
        complaints.extend(found.map(|host| format!("{} names {host}", path.display())));
    }
    none(&complaints);
}

/// `path:line` and text of every line outside test modules, of the files that are wanted.
fn all_lines(wanted: impl Fn(&Path) -> bool) -> impl Iterator<Item = (String, String)> {
    files(&["rs"]).into_iter().filter(move |path| wanted(path)).flat_map(|path| {
        let text = without_tests(&read(&root().join(&path))).to_owned();
        let lines = text.lines().enumerate().map(|(i, line)| (format!("{}:{}", path.display(), i + 1), line.to_owned()));
        lines.collect::<Vec<_>>()
    })
}

/// The file up to its test module: `#[cfg(test)]`, perhaps further attributes, and `mod`, without a blank line between.
fn without_tests(text: &str) -> &str {
    const MARK: &str = "#[cfg(test)]";
    let is_module = |end: &usize| {
        let rest = &text[end + MARK.len()..];
        let item = rest.split("\n\n").next().unwrap_or(rest);
        item.lines().any(|line| line.starts_with("mod ") && line.ends_with('{'))
    };
    text.match_indices(MARK).map(|(start, _)| start).find(is_module).map_or(text, |end| &text[..end])
}

/// Whether a whole file is test code.
fn is_test(path: &Path) -> bool {
    path.components()
        .any(|part| ["tests", "tests.rs", "testing.rs", "benches", "fuzz", "examples"].iter().any(|name| part.as_os_str() == *name))
}
