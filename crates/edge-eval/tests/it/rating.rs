//! Answers scored in several passes and rated by a judge and by a cross-encoder, end to end by `edge-eval run`.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use crate::{METER_AND_PRICES, TINY, edge_eval};

/// A judge that keeps what it is asked in a file; killed when dropped.
pub(crate) struct Judge {
    child: Child,
    pub(crate) port: u16,
    log: PathBuf,
}

impl Judge {
    /// `None` where no Python is there to run it.
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        let script = folder.join("judge.py");
        fs::write(&script, include_str!("fake_judge.py")).unwrap();
        let log = folder.join("asked.jsonl");
        let Ok(mut child) = Command::new("python3").arg(script).arg(&log).stdout(Stdio::piped()).spawn() else {
            eprintln!("skipped: python3 is absent");
            return None;
        };
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Some(Self { child, port: port.trim().parse().unwrap(), log })
    }

    pub(crate) fn asked(&self) -> Vec<Value> {
        fs::read_to_string(&self.log).unwrap_or_default().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn plan(folder: &Path, primary: &str, port: u16) -> PathBuf {
    let nli = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/fixtures/nli-deberta-v3");
    let path = folder.join("plan.toml");
    let text = format!(
        r#"
name = "rated"
runs = 1
strategies = ["base-fp16"]
{TINY}[[tasks]]
kind = "rag"
train = "builtin"
eval = "builtin"
train_rows = 8
eval_rows = 6
primary = "{primary}"
marks = ["rouge_l", "judge_safety", "nli_entailment"]
max_tokens = 8
[[engines]]
kind = "embedded"
threads = 1
[load]
requests = 2
warmup = 1
output_tokens = 4
[quality]
passes = 2
temperature = 0.8
[judge]
url = "http://127.0.0.1:{port}"
model = "fixed"
concurrency = 2
price = {{ input_usd_per_mtok = 2.5, output_usd_per_mtok = 10.0, source = "a test", date = 2026-08-01 }}
[nli]
path = "{nli}"
threads = 1
{METER_AND_PRICES}"#,
        nli = nli.display()
    );
    fs::write(&path, text).unwrap();
    path
}

fn score(folder: &Path, primary: &str, port: u16) -> Value {
    let plan = plan(folder, primary, port);
    let done = edge_eval().arg("run").arg(&plan).arg("--out").arg(folder.join("run")).args(["--json", "--quiet"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    report["cells"][0]["metrics"].clone()
}

#[test]
fn a_judge_and_a_cross_encoder_rate_every_pass_once() {
    let folder = tempfile::tempdir().unwrap();
    let Some(judge) = Judge::start(folder.path()) else { return };
    let judged = score(folder.path(), "judge_helpfulness", judge.port);
    let figure = |metrics: &Value, name: &str| metrics[name]["value"].as_f64();
    let is = |name: &str, value: f64| (figure(&judged, name).unwrap() - value).abs() < 1e-9;
    assert!(is("score", 0.8) && is("score_median", 0.8) && is("score_sd", 0.0), "{judged}");
    let asked = judge.asked();
    assert!(asked.len() <= 12 && asked.len() >= 6, "two passes of six answers, equal answers paid for once: {}", asked.len());
    let cost = &judged["judge_cost_usd"];
    assert!((cost["value"].as_f64().unwrap() - 12.0 * (100.0 * 2.5 + 10.0 * 10.0) / 1e6).abs() < 1e-12, "{cost}");
    assert!(asked.iter().all(|body| body["response_format"]["type"] == "json_schema" && !body.to_string().contains("base-fp16")));
    // Another mark of the same answers: nothing is answered or paid for again.
    let marked = score(folder.path(), "judge_helpfulness", judge.port);
    assert_eq!((marked, judge.asked().len()), (judged, asked.len()));
    let entailed = score(folder.path(), "nli_entailment", judge.port);
    let value = figure(&entailed, "score").unwrap();
    assert!((0.0..=1.0).contains(&value), "{value}");
    assert!(figure(&entailed, "score_sd").is_some());
    // A mark that nobody asked for when the passes were made.
    let f1 = score(folder.path(), "f1", judge.port);
    assert!(figure(&f1, "score").is_some() && judge.asked().len() == asked.len());
    let passes = fs::read_dir(folder.path().join("run/records")).unwrap();
    let passes = passes.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("quality-"));
    assert_eq!(passes.count(), 2, "answers do not change because another mark counts");
}

#[test]
fn a_judge_that_is_away_costs_its_marks_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), "judge_helpfulness", 1);
    let run =
        || edge_eval().arg("run").arg(&plan).arg("--out").arg(folder.path().join("run")).args(["--json", "--quiet"]).output().unwrap();
    let failed = run();
    assert_eq!(failed.status.code(), Some(1), "{}", String::from_utf8_lossy(&failed.stderr));
    let report: Value = serde_json::from_slice(&failed.stdout).unwrap();
    let metrics = &report["cells"][0]["metrics"];
    assert!(metrics["ttft_ms"]["value"].is_f64() && metrics["score"]["value"].is_null(), "{metrics}");
    assert!(metrics["score"]["missing"].as_str().unwrap().contains("judge"), "{}", metrics["score"]);
}
