//! `edge-eval import` on the formats' own fixtures: the exit codes, the figures as text and JSON, and what is said of wrong input.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::edge_eval;

/// Runs it on fixtures, with further arguments.
fn import(fixtures: &[&str], args: &[&str]) -> Output {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../import/tests/fixtures");
    edge_eval().arg("import").args(fixtures.iter().map(|name| folder.join(name))).args(args).output().unwrap()
}

#[test]
fn a_summary_and_a_score_give_the_metrics_as_json() {
    let args = ["--mark", "acc,none", "--energy-j", "60", "--energy-j", "60", "--gpu-gb", "2", "--cold-start-j", "300", "--json"];
    let output = import(&["vllm_bench.json", "lm_eval_int4.json"], &args);
    assert_eq!(output.status.code(), Some(0));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let figures = document["measurements"][0]["figures"].as_array().unwrap();
    let figure = |name: &str| figures.iter().find(|figure| figure["name"] == name).unwrap();
    assert_eq!((&figure("rho_sys")["value"], &figure("c_tax")["value"]), (&Value::from(3.0), &Value::from(15.0)));
    assert_eq!(figure("ipw")["value"], Value::from(0.03125));
    assert_eq!(figure("q_ret")["missing"], "score in full precision: none is told (--baseline)");
    assert_eq!(document["scores"][0]["task"], "arc_easy");
}

#[test]
fn a_figure_that_cannot_be_known_is_a_dash_with_its_reason() {
    let output = import(&["aiperf.jsonl"], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.trim_start().starts_with("rho_sys ")).unwrap();
    assert!(line.contains(" - ") && line.ends_with("peak memory is not told (--gpu-gb or --ram-gb)"), "{line}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn wrong_input_is_told_with_a_hint() {
    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let unknown = import(&["lm_eval_int4.json"], &["--from", "aiperf"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(said(&unknown).contains("hint: look whether the benchmark ended well"), "{}", said(&unknown));
    let count = import(&["vllm_bench.json"], &["--energy-j", "1"]);
    assert!(said(&count).contains("1 values of the energy of the requests for 2 measurements\nhint: give the energy"), "{}", said(&count));
    let word = import(&["vllm_bench.json"], &["--energy-j", "much"]);
    assert_eq!(word.status.code(), Some(2));
    assert!(said(&word).contains("must be a number above 0"), "{}", said(&word));
}
