//! Broken and hostile files: each is refused with its name, the place, and a hint.

use std::path::Path;

use expect_test::{Expect, expect};
use tempfile::TempDir;

use crate::fixture;

fn write(folder: &Path, text: &str) -> std::path::PathBuf {
    let path = folder.join("file.json");
    std::fs::write(&path, text).unwrap();
    path
}

/// What is said of a text, with and without a named format.
fn check(format: Option<&str>, text: &str, expected: &Expect) {
    let folder = TempDir::new().unwrap();
    let error = import::read(&write(folder.path(), text), format.map(|name| import::find(name).unwrap())).unwrap_err();
    assert!(error.hint().is_some());
    expected.assert_eq(&error.to_string().replace(&folder.path().display().to_string(), "DIR"));
}

/// A fixture with one text replaced.
fn changed(name: &str, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(fixture(name)).unwrap();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}

#[test]
fn files_of_no_known_format() {
    check(None, "{\"a\": 1}", &expect!["DIR/file.json: not a result file of a known format"]);
    check(None, "[]", &expect!["DIR/file.json: not a result file of a known format"]);
    check(None, "", &expect!["DIR/file.json: not a result file of a known format"]);
    check(None, "{\"aiperf_version\": ", &expect!["DIR/file.json:1:19: EOF while parsing a value"]);
    check(Some("guidellm"), "{\"a\": 1}", &expect!["DIR/file.json:1:8: missing field `metadata`"]);
    check(Some("aiperf"), "[1", &expect!["DIR/file.json: not a result file of a known format"]);
}

#[test]
fn nothing_in_it() {
    check(Some("llama-bench"), "[]", &expect!["DIR/file.json: the whole file: holds no result"]);
    check(None, "{\"metadata\": {}, \"benchmarks\": []}", &expect!["DIR/file.json: the whole file: holds no result"]);
}

#[test]
fn values_that_cannot_be() {
    check(
        None,
        &changed("vllm_bench.json", "\"duration\": 2.0", "\"duration\": -2.0"),
        &expect!["DIR/file.json: [0].duration: -2 s is no duration"],
    );
    check(
        None,
        &changed("vllm_bench.json", "\"completed\": 3", "\"completed\": 99999999999"),
        &expect!["DIR/file.json: [0].completed: 99999999999, more than 1000000 are not read"],
    );
    check(
        None,
        &changed("vllm_bench.json", "[0.1, 0.1, 0.1, 0.0]", "[0.1, 0.1, 0.1]"),
        &expect!["DIR/file.json: [1].ttfts: 3 entries, but input_lens has 4"],
    );
    check(
        None,
        &changed("vllm_bench.json", "[1000.0, 1000.0,", "[1000.0, 1e300,"),
        &expect!["DIR/file.json: [1].start_times[1]: is no duration"],
    );
    check(
        None,
        &changed("llama_bench.json", "   4000000000,", "   -4000000000,"),
        &expect!["DIR/file.json: [1].samples_ns[0]: -4000000000 ns is no duration"],
    );
    check(
        None,
        &changed("aiperf_summary.json", "\"avg\": 16.0", "\"avg\": 16.5"),
        &expect!["DIR/file.json: request_count: 16.5 is no count"],
    );
    check(
        None,
        &changed("aiperf_summary.json", "\"unit\": \"sec\"", "\"unit\": \"weeks\""),
        &expect!["DIR/file.json: benchmark_duration: 2.826277376 weeks is no duration"],
    );
}

#[test]
fn rows_are_named_by_their_line_or_number() {
    let line = |from: &str, to: &str| {
        let text = std::fs::read_to_string(fixture("aiperf.jsonl")).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        assert!(lines[2].contains(from), "{}", lines[2]);
        lines[2] = lines[2].replace(from, to);
        lines.join("\n")
    };
    check(
        None,
        &line("\"unit\":\"ms\"", "\"unit\":\"mm\""),
        &expect!["DIR/file.json: line 3: metrics.time_to_first_token: 72.29889899999999 mm is no duration"],
    );
    check(None, &line("{\"metadata\"", "{\"metadata\" 1"), &expect!["DIR/file.json:3:13: expected `:`"]);
    check(
        None,
        &changed("guidellm.json", "\"request_end\": 17", "\"request_end\": 16"),
        &expect!["DIR/file.json: benchmarks[0].requests.successful[0].info.timings.request_end: missing or impossible"],
    );
    check(
        None,
        &changed("guidellm.json", "\"output_tokens\": 64", "\"output_tokens\": 4294967295"),
        &expect!["DIR/file.json: the rows: 4294967423 output tokens, more than 134217728 are not read"],
    );
}

#[test]
fn a_file_that_is_not_there() {
    let error = import::read(Path::new("/nowhere/results.json"), None).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/results.json: No such file"), "{error}");
}
