//! `edge-eval perplexity` as a user runs it, on small random weights.

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::edge_eval;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../perplexity/tests/fixtures").join(name)
}

const ROWS: &str = r#"{"id": "a", "context": "The crane was built in 1987.", "question": "When was it built?", "answers": {"text": ["1987"], "answer_start": [23]}}
{"id": "b", "context": "Anna Okafor spoke on Tuesday.", "question": "Who spoke?", "answers": {"text": ["Anna Okafor"], "answer_start": [0]}}
{"id": "c", "context": "Two ships waited outside.", "question": "How many?", "answers": {"text": ["Two"], "answer_start": [0]}}
"#;

const CONVERSATIONS: &str = r#"{"messages": [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Anna Okafor"}]}
{"id": "x", "messages": [{"role": "user", "content": "Who?"}]}
"#;

/// The rows in a folder of their own.
fn rows(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn run(model: &Path, data: &Path, more: &[&str]) -> Output {
    edge_eval().arg("perplexity").arg(model).arg("--data").arg(data).args(more).output().unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn told(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn value(json: &Value, figure: &str) -> f64 {
    json["figures"][figure]["value"].as_f64().unwrap()
}

/// Weights of a fixture in a GGUF file.
fn quantised(folder: &Path, format: &str) -> PathBuf {
    let out = folder.join(format!("{format}.gguf"));
    let full = fixture("full");
    let args = ["compress", "quantise", "--model", full.to_str().unwrap(), "--format", format, "--out", out.to_str().unwrap()];
    let output = edge_eval().args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out
}

#[test]
fn fewer_bits_are_farther_from_full_precision() {
    let (folder, data) = rows(ROWS);
    let full = fixture("full");
    let beside = |model: &Path| json(&run(model, &data, &["--task", "rag", "--json", "--against", full.to_str().unwrap()]));
    let (same, int8, int4) = (beside(&full), beside(&quantised(folder.path(), "q8_0")), beside(&quantised(folder.path(), "q4_k")));
    assert_eq!((value(&same, "kl_divergence"), value(&same, "rms_delta_p"), value(&same, "top1_agreement")), (0.0, 0.0, 100.0));
    assert!((value(&same, "perplexity_ratio") - 1.0).abs() < 1e-12);
    let kl = [&int8, &int4].map(|json| value(json, "kl_divergence"));
    assert!(kl[0] > 0.0 && kl[0] < 0.01 && kl[1] > 3.0 * kl[0], "{kl:?}");
    assert!((value(&int4, "perplexity_full") - value(&same, "perplexity")).abs() < 1e-9);
    assert_eq!((&int4["answers"], &int4["left_out"], &int4["figures"]["kl_divergence"]["n"]), (&3.into(), &0.into(), &3.into()));
    assert!(int4["weights_bytes"].as_u64().unwrap() < int4["full_weights_bytes"].as_u64().unwrap());
    let text = run(&full, &data, &["--task", "rag", "--rows", "2", "--per-item"]);
    assert!(String::from_utf8(text.stderr).unwrap().starts_with("weights in memory: 0.000 GB"));
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.starts_with("{\"id\":\"a\",\"seen\":{\"value\":{\"tokens\":"), "{text}");
    assert!(text.contains("\nperplexity  ") && text.contains("of 2 answers; 95% intervals"), "{text}");
}

#[test]
fn what_has_no_likelihood_is_left_out_and_what_cannot_be_compared_is_refused() {
    let (folder, data) = rows(CONVERSATIONS);
    let known = json(&run(&fixture("full"), &data, &["--json", "--per-item"]));
    assert_eq!((&known["answers"], &known["left_out"]), (&2.into(), &1.into()));
    assert_eq!(known["items"][1]["seen"]["missing"], "the conversation does not end with the assistant's answer");
    assert!(known["notes"][0].as_str().unwrap().starts_with("1 of 2 answers are left out"), "{known}");
    assert!(known["figures"]["perplexity"]["ci95"].is_null(), "one answer has no interval");
    let (_, only_bad) = CONVERSATIONS.split_once('\n').unwrap();
    std::fs::write(folder.path().join("bad.jsonl"), only_bad).unwrap();
    let none = told(&run(&fixture("full"), &folder.path().join("bad.jsonl"), &[]));
    assert!(none.contains("none of the 1 answers has a likelihood") && none.contains("does not end with"), "{none}");
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    for file in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"] {
        std::fs::copy(fixture("full").join(file), other.join(file)).unwrap();
    }
    let edit = |file: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(fixture("full").join(file)).unwrap();
        std::fs::write(other.join(file), text.replace(from, to)).unwrap();
    };
    edit("tokenizer.json", "<|im_start|>", "<|begins|>");
    let refused = told(&run(&fixture("moved"), &data, &["--against", other.to_str().unwrap()]));
    assert!(refused.contains("do not have the same vocabulary: token 1") && refused.contains("hint: "), "{refused}");
    assert!(told(&run(&fixture("full"), &data, &["--task", "nothing"])).contains("nothing"));
    // Weights of a kind that is not read: an error by hand, a finding to a campaign.
    edit("config.json", "\"model_type\"", "\"quantization_config\": {\"quant_method\": \"awq\"}, \"model_type\"");
    assert!(told(&run(&other, &data, &[])).contains("quant_method = awq"));
    let out = folder.path().join("out.jsonl");
    let stage = run(&other, &data, &["--json", "--out", out.to_str().unwrap()]);
    let last = String::from_utf8(stage.stdout).unwrap().lines().last().unwrap().to_owned();
    let last: Value = serde_json::from_str(&last).unwrap();
    assert!(stage.status.success() && !out.exists());
    assert!(last["phase"] == "done" && last["facts"]["unread"].as_str().unwrap().contains("awq"), "{last}");
}

#[test]
fn a_stage_tells_its_marks_and_leaves_whole_files() {
    let (folder, data) = rows(ROWS);
    let out = folder.path().join("out.jsonl");
    let more =
        ["--task", "rag", "--json", "--out", out.to_str().unwrap(), "--against", fixture("full").to_str().unwrap()].map(str::to_owned);
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let stage = run(&fixture("moved"), &data, &more);
    let marks: Vec<Value> = std::str::from_utf8(&stage.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (&marks[0]["phase"], &marks[1]["phase"], &marks.last().unwrap()["phase"]),
        (&"start".into(), &"read".into(), &"done".into())
    );
    assert_eq!(marks.last().unwrap()["facts"]["weights_bytes"], marks[1]["facts"]["weights_bytes"]);
    let items = std::fs::read_to_string(&out).unwrap();
    assert_eq!(items.lines().count(), 3);
    assert!(items.lines().all(|line| line.contains("\"beside\":{\"full_nll\":")), "{items}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing unfinished is left");
}
