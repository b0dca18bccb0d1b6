//! `edge-eval nli` as a user runs it, on a small random checkpoint.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::edge_eval;

const PAIRS: &str = r#"{"id": "a", "premise": "The harbour was closed on Tuesday.", "hypothesis": "The port was shut."}
{"id": 2, "premise": "No one was hurt.", "prediction": "", "references": ["No one"]}
"#;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/fixtures").join(name)
}

fn run(model: &Path, pairs: &Path, more: &[&str]) -> Output {
    edge_eval().args(["nli", "--model"]).arg(model).arg("--pairs").arg(pairs).args(more).output().unwrap()
}

fn lines(bytes: &[u8]) -> Vec<Value> {
    std::str::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn rows_are_judged_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let pairs = folder.path().join("pairs.jsonl");
    std::fs::write(&pairs, PAIRS).unwrap();
    let plain = run(&fixture("nli-deberta-v3"), &pairs, &[]);
    assert!(plain.status.success());
    assert_eq!(String::from_utf8(plain.stderr).unwrap(), "2 rows, 1 judged, 1 without a verdict\n");
    let rows = lines(&plain.stdout);
    assert_eq!((rows.len(), &rows[0]["id"], &rows[1]["id"]), (2, &"a".into(), &2.into()));
    let sum: f64 = ["entailment", "neutral", "contradiction"].iter().map(|key| rows[0][key].as_f64().unwrap()).sum();
    assert!((sum - 1.0).abs() < 1e-9);
    assert_eq!(rows[1]["missing"], "the hypothesis is empty");

    let out = folder.path().join("verdicts.jsonl");
    let stage = run(&fixture("nli-deberta-v3"), &pairs, &["--json", "--out", out.to_str().unwrap()]);
    let phases: Vec<String> = lines(&stage.stdout).iter().map(|mark| mark["phase"].as_str().unwrap().to_owned()).collect();
    assert_eq!(phases, ["start", "read", "progress", "write", "done"]);
    assert_eq!(lines(&std::fs::read(&out).unwrap()), rows);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing unfinished is left");
}

#[test]
fn what_cannot_be_judged_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (pairs, model) = (folder.path().join("pairs.jsonl"), folder.path().join("model"));
    std::fs::write(&pairs, PAIRS.replace("premise", "context")).unwrap();
    let told = |output: Output| {
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let bad_row = told(run(&fixture("nli-bert"), &pairs, &[]));
    assert!(
        bad_row.contains("error: row 1: missing field `premise`") && bad_row.contains("hint: write one JSON object a line"),
        "{bad_row}"
    );
    std::fs::create_dir(&model).unwrap();
    std::fs::copy(fixture("nli-bert").join("config.json"), model.join("config.json")).unwrap();
    std::fs::write(model.join("spm.model"), "pieces").unwrap();
    let slow = told(run(&model, &pairs, &[]));
    assert!(slow.contains("only spm.model, which is not read") && slow.contains("AutoTokenizer.from_pretrained("), "{slow}");
    let decoder = told(run(&fixture("llama-tied-bf16"), &pairs, &[]));
    assert!(decoder.contains("unsupported encoder architecture llama"), "{decoder}");
    let nowhere = told(run(&fixture("nli-bert"), &folder.path().join("none"), &[]));
    assert!(nowhere.contains("none"), "{nowhere}");
}
