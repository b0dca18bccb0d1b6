//! `edge-eval prices` as a user runs it.

use std::fs;

use crate::edge_eval;

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let output = edge_eval().arg("prices").args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_model_is_found_with_source_and_date() {
    let (code, stdout, stderr) = run(&["models", "--search", "gpt 4o mini"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains("openai/gpt-4o-mini") && stdout.contains("2026-08-21") && stdout.contains("genai-prices"), "{stdout}");
}

#[test]
fn json_is_json_and_what_is_not_there_is_an_error() {
    let (code, stdout, _) = run(&["--search", "germany", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, value["grid"][0]["region"].as_str()), (Some(0), Some("DE")));
    let (code, stdout, stderr) = run(&["--search", "no such thing"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.contains("hint: "), "{stderr}");
}

#[test]
fn books_of_ones_own_are_laid_over_and_bad_ones_refused() {
    let folder = tempfile::tempdir().unwrap();
    let book = folder.path().join("own.toml");
    let path = book.to_str().unwrap();
    let entry = |input: &str| {
        format!(
            "models = [{{ host = \"openai\", name = \"gpt-4o\", input = {input}, output = 8, source = \"contract\", date = \"2026-05-01\" }}]"
        )
    };
    fs::write(&book, entry("2")).unwrap();
    let (code, stdout, _) = run(&["models", "--search", "openai/gpt-4o", "--book", path, "--json"]);
    let value: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((code, value["models"][0]["source"].as_str()), (Some(0), Some("contract")));
    fs::write(&book, entry("-2")).unwrap();
    let (code, _, stderr) = run(&["--book", path]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("models[0]") && stderr.contains("is -2, but should be above 0") && stderr.contains("hint: "), "{stderr}");
}

#[test]
fn advice_needs_a_run_and_a_traffic() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent");
    let output = edge_eval().args(["advise", absent.to_str().unwrap(), "--requests-per-month", "200k"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let output = edge_eval().args(["advise", "x", "--requests-per-month", "-5"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
