//! `edge-eval score` as a user runs it.

use std::process::Output;

use serde_json::Value;

use crate::edge_eval;

const ANSWERS: &str = r#"{"id": "a", "prediction": "The cat sat on the mat.", "references": ["A cat sat on a mat", "the cat sat"]}
{"id": "b", "prediction": "", "references": ["nothing at all"]}
{"prediction": "Paris!", "reference": "paris"}
"#;

fn run(answers: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answers.jsonl");
    std::fs::write(&path, answers).unwrap();
    edge_eval().args(["score", "--predictions"]).arg(&path).args(more).output().unwrap()
}

#[test]
fn means_intervals_and_rows() {
    let output = run(ANSWERS, &["--marks", "rouge,em,f1", "--json", "--per-item"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let whole: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&whole["rows"], &whole["empty_answers"]), (&3.into(), &1.into()));
    let names: Vec<_> = whole["marks"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["rouge_1", "rouge_2", "rouge_l", "rouge_lsum", "exact_match", "f1"]);
    assert_eq!(whole["marks"]["exact_match"]["method"], "wilson");
    assert_eq!((&whole["marks"]["f1"]["n"], &whole["marks"]["f1"]["method"]), (&3.into(), &"t".into()));
    // Articles are gone: "cat sat on mat" against "cat sat on mat".
    assert_eq!(whole["items"][0]["marks"]["f1"], 1.0);
    // Against "the cat sat": 3 of 6 and 3 of 3, F = 2/3; against the first: 4 of 6 both ways, the same F, and the first counts.
    let rouge = &whole["items"][0]["marks"]["rouge_1"];
    assert!((rouge["precision"].as_f64().unwrap() - 4.0 / 6.0).abs() < 1e-15, "{rouge}");
    assert_eq!(whole["items"][1]["marks"]["rouge_l"]["f1"], 0.0);
    assert_eq!(whole["items"][2]["marks"]["exact_match"], 1.0);
}

#[test]
fn what_is_wrong_ends_the_command() {
    let answers = "{\"prediction\": \"x\", \"references\": []}\n{\"prediction\": \"x\", \"references\": [\"x\"]}\n";
    let output = run(answers, &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("answers.jsonl:1 (row 1): `references` should be a list with at least one element, but is an empty list"),
        "{said}"
    );
    let output = run(answers, &["--bad-rows", "1", "--marks", "em"]);
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("exact_match  1.0000  ("));
    let output = run(answers, &["--marks", "bleu"]);
    assert!(String::from_utf8(output.stderr).unwrap().contains("unknown mark \"bleu\""));
}
