//! `edge-eval reproduce` on the logs that come with it, on a damaged folder and on one that holds nothing.

use std::fs;

use serde_json::Value;

use crate::edge_eval;

#[test]
fn the_papers_tables_as_json_and_text() {
    let output = edge_eval().args(["reproduce", "--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["schema"], "edge-eval/reproduction/1");
    let cells = document["tables"]["1"].as_array().unwrap();
    assert_eq!(cells.iter().filter(|cell| cell["agrees"] == true).count(), 30);
    let text = edge_eval().arg("reproduce").output().unwrap();
    assert!(String::from_utf8(text.stdout).unwrap().contains("30 of 30 numbers as printed"));
}

#[test]
fn what_is_wrong_with_a_folder_is_told_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let run = || {
        let output = edge_eval().arg("reproduce").arg(folder.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let said = run();
    assert!(said.contains("neither a run folder nor") && said.contains("hint: name a folder with run.json"), "{said}");
    fs::write(folder.path().join("training_energy_log_qwen.csv"), "Size,Method,Task\n1B,LoRA_FP16,rag\n").unwrap();
    let said = run();
    assert!(said.contains("training_energy_log_qwen.csv:1: column Joules, Watts, Seconds, Rows, GPUs is missing"), "{said}");
}
