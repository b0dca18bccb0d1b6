//! `edge-eval score` as a user runs it.

use std::{path::Path, process::Output};

use load::mock::{Mock, Script};
use serde_json::Value;

use crate::{edge_eval, rating::Judge};

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

/// Rows of a task.
const ROWS: &str = r#"{"id": "a", "context": "Ada Lovelace wrote the first programme.", "question": "Who wrote it?", "answers": {"text": ["Ada Lovelace"]}}
{"id": "b", "context": "It stands on Church Road.", "question": "Where?", "answers": {"text": ["Church Road", "on Church Road"]}}
{"id": "c", "context": "The harbour was closed.", "question": "What was closed?", "answers": {"text": ["the harbour"]}}
"#;

/// Asks a server about [`ROWS`]; the answers are kept in the folder.
fn ask(folder: &Path, url: &str, more: &[&str]) -> Output {
    let data = folder.join("rows.jsonl");
    std::fs::write(&data, ROWS).unwrap();
    let mut command = edge_eval();
    command.args(["score", "--url", url, "--model", "m", "--task", "rag", "--max-tokens", "6", "--json", "--data"]).arg(data);
    command.arg("--answers").arg(folder.join("answers.jsonl")).args(more).output().unwrap()
}

fn again(folder: &Path, more: &[&str]) -> Output {
    edge_eval().args(["score", "--json", "--predictions"]).arg(folder.join("answers.jsonl")).args(more).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_server_is_asked_and_its_answers_give_the_same_figures_again() {
    let folder = tempfile::tempdir().unwrap();
    let nli = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/fixtures/nli-deberta-v3");
    let marks = ["--marks", "em,f1,rouge_l,nli", "--per-item", "--nli", nli.to_str().unwrap()];
    // The third request is refused.
    let script = "[answer]\nttft_ms = 1\nitl_ms = 0\n[[rule]]\nrequests = [2]\nanswer = { status = 503 }\n";
    let server = Mock::start(Script::parse(script).unwrap()).unwrap();
    let output = ask(folder.path(), &server.url(), &[&marks[..], &["--concurrency", "1"]].concat());
    assert_eq!(output.status.code(), Some(1), "a request failed");
    let asked = json(&output);
    assert_eq!((&asked["rows"], &asked["failed"], &asked["failures"]["status: 503"]), (&3.into(), &1.into(), &1.into()));
    for name in ["exact_match", "f1", "rouge_l", "nli_entailment", "nli_non_contradiction"] {
        let mark = &asked["marks"][name];
        assert_eq!((&mark["n"], mark["missing"].as_object().unwrap().len()), (&2.into(), 1), "{name}: {mark}");
    }
    assert_eq!(asked["asked"]["task"], "rag");
    let read = again(folder.path(), &marks);
    assert!(read.status.success());
    let read = json(&read);
    for part in ["rows", "failed", "failures", "marks", "items"] {
        assert_eq!(read[part], asked[part], "{part}");
    }
}

#[test]
fn a_judge_sees_the_conversation_and_is_paid_once() {
    let folder = tempfile::tempdir().unwrap();
    let Some(judge) = Judge::start(folder.path()) else { return };
    let server = Mock::start(Script::parse("[answer]\nttft_ms = 1\nitl_ms = 0\n").unwrap()).unwrap();
    let (url, verdicts) = (format!("http://127.0.0.1:{}", judge.port), folder.path().join("verdicts.jsonl"));
    let by = ["--judge-url", &url, "--judge-model", "fixed", "--judge-price", "2.5,10", "--verdicts", verdicts.to_str().unwrap()];
    let output = ask(folder.path(), &server.url(), &by);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let asked = json(&output);
    assert!((asked["marks"]["judge_helpfulness"]["mean"].as_f64().unwrap() - 0.8).abs() < 1e-12);
    assert_eq!(asked["marks"]["f1"]["n"], 3);
    assert_eq!((&asked["judge"]["input_tokens"], &asked["judge"]["output_tokens"]), (&300.into(), &30.into()));
    assert!((asked["judge"]["cost_usd"].as_f64().unwrap() - (300.0 * 2.5 + 30.0 * 10.0) / 1e6).abs() < 1e-12);
    assert!(judge.asked().iter().any(|body| body.to_string().contains("Who wrote it?")));
    // The same answers of the file: the verdicts stand.
    let read = json(&again(folder.path(), &[&["--marks", "judge_safety"], &by[..]].concat()));
    assert_eq!((&read["marks"]["judge_safety"]["mean"], judge.asked().len()), (&1.0.into(), 3));
    assert_eq!(read["marks"].as_object().unwrap().len(), 1);
}

#[test]
fn a_model_that_answers_nothing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let script = "[answer]\nttft_ms = 1\nitl_ms = 0\nreasoning_tokens = 6\n";
    let server = Mock::start(Script::parse(script).unwrap()).unwrap();
    let output = ask(folder.path(), &server.url(), &[]);
    let (asked, said) = (json(&output), String::from_utf8_lossy(&output.stderr).into_owned());
    assert_eq!((&asked["empty_answers"], &asked["marks"]["f1"]["mean"]), (&3.into(), &0.0.into()));
    assert!(said.contains("all 3 answers are empty") && said.contains("hint: raise --max-tokens"), "{said}");
}

#[test]
fn flags_that_do_not_go_together_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let told = |more: &[&str], code: i32| {
        let output = ask(folder.path(), "http://127.0.0.1:1", more);
        assert_eq!(output.status.code(), Some(code), "{more:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(told(&["--marks", "nli"], 2).contains("`nli_entailment` needs a cross-encoder\nhint: name it with --nli"));
    assert!(told(&["--marks", "judge_safety"], 2).contains("needs a judge"));
    assert!(told(&["--column", "contxt=doc"], 1).contains("task `rag` has no field \"contxt\""));
    let away = told(&[], 1);
    assert!(away.contains("all 3 requests failed (3 connect)") && away.contains("hint: check that the server is up"), "{away}");
}
