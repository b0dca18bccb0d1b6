//! A trainer and a quantiser of others in the place of our stages, driven end to end by `edge-eval run`, and every way in which they can fail.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{METER_AND_PRICES, TINY, edge_eval};

const FAKE: &str = include_str!("fake_stage.py");

/// A folder with the script and a plan; `None` where no Python is there to run it.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn made(adapt: &str, compress: &str) -> Option<(TempDir, PathBuf)> {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: python3 is absent");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("fake_stage.py"), FAKE).unwrap();
    let plan = plan(folder.path(), "python3", adapt, compress);
    Some((folder, plan))
}

/// Writes a plan whose adaptation and quantisation are commands, with more words for each.
fn plan(folder: &Path, program: &str, adapt: &str, compress: &str) -> PathBuf {
    let path = folder.join("plan.toml");
    let common = r#""{plan}/fake_stage.py", "--model", "{model}", "--data", "{data}", "--out", "{out}", "--seed", "{seed}", "--literal", "{{rank}}""#;
    let text = format!(
        r#"
name = "commands"
runs = 1
strategies = ["lora-int8"]
{TINY}[[tasks]]
kind = "rag"
train = "builtin"
eval = "builtin"
train_rows = 8
eval_rows = 4
primary = "f1"
max_tokens = 4
[[engines]]
kind = "embedded"
threads = 1
[engines.compress]
kind = "command"
gives = "gguf"
run = [{program:?}, {common}, "compress", "--bits", "{{bits}}", "--precision", "{{precision}}", "--edge-eval", "{{edge_eval}}"{compress}]
environment = {{ STAGE_SEED = "{{seed}}" }}
[adapt]
kind = "command"
run = [{program:?}, {common}, "adapt", "--method", "{{method}}", "--rank", "{{rank}}", "--epochs", "{{epochs}}"{adapt}]
environment = {{ STAGE_SEED = "{{seed}}" }}
rank = 2
[load]
requests = 2
warmup = 1
output_tokens = 8
timeout_s = 20.0
{METER_AND_PRICES}"#
    );
    fs::write(&path, text).unwrap();
    path
}

fn run(plan: &Path) -> Output {
    edge_eval().arg("run").arg(plan).arg("--out").arg(plan.with_extension("run")).output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The record of the one stage of a kind.
fn record(plan: &Path, kind: &str) -> Value {
    let entries = fs::read_dir(plan.with_extension("run").join("records")).unwrap().map(|entry| entry.unwrap().path());
    let path = entries.into_iter().find(|path| path.file_name().unwrap().to_string_lossy().starts_with(&format!("{kind}-"))).unwrap();
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Stage keys by label, as `edge-eval plan` gives them.
fn key(plan: &Path, kind: &str) -> Value {
    let output = edge_eval().arg("plan").arg(plan).arg("--json").output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    told["stages"].as_array().unwrap().iter().find(|stage| stage["kind"] == kind).unwrap()["key"].clone()
}

#[test]
fn commands_take_the_place_of_our_stages() {
    let Some((folder, plan)) = made("", "") else { return };
    let output = run(&plan);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    let adapt = record(&plan, "adapt");
    assert_eq!((&adapt["detail"]["adapt"]["rows"], &adapt["detail"]["adapt"]["last_loss"]), (&8.into(), &1.5.into()));
    let words: Vec<_> = adapt["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert_eq!((words[0], words[1]), ("python3", folder.path().join("fake_stage.py").to_str().unwrap()));
    assert!(words.ends_with(&["--method", "lora", "--rank", "2", "--epochs", "1"]), "{words:?}");
    assert_eq!(adapt["energy"][0]["source"], "modelled");
    let quantise = record(&plan, "quantise");
    let facts = &quantise["detail"]["command"];
    assert_eq!((&facts["gives"], &facts["told"]), (&"gguf".into(), &json!({"calibration_rows": 8, "precision": "int8"})));
    assert_eq!(facts["outputs"]["model.gguf"], quantise["artifact"]["bytes"]);
    assert_eq!(record(&plan, "merge")["outcome"], "done");
    assert_eq!(record(&plan, "serve")["outcome"], "done");
    // What the script is decides what it makes, and where the plan lies does not.
    let before = (key(&plan, "adapt"), key(&plan, "quantise"));
    let elsewhere = tempfile::tempdir().unwrap();
    let copy = elsewhere.path().join("plan.toml");
    fs::copy(&plan, &copy).unwrap();
    fs::write(elsewhere.path().join("fake_stage.py"), FAKE).unwrap();
    assert_eq!((key(&copy, "adapt"), key(&copy, "quantise")), before);
    fs::write(elsewhere.path().join("fake_stage.py"), format!("{FAKE}\n")).unwrap();
    assert_ne!(key(&copy, "adapt"), before.0);
    assert_ne!(key(&copy, "quantise"), before.1);
}

#[test]
fn a_trainer_that_tells_little_is_known_by_what_it_left() {
    let Some((_folder, plan)) = made(r#", "--behave", "terse""#, r#", "--behave", "empty""#) else { return };
    let output = run(&plan);
    assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
    let facts = &record(&plan, "adapt")["detail"]["command"];
    assert_eq!((&facts["gives"], &facts["told"]), (&"adapter".into(), &json!({"steps": 4})));
    assert_eq!(facts["outputs"].as_object().unwrap().keys().collect::<Vec<_>>(), ["adapter_config.json", "adapter_model.safetensors"]);
    // A quantiser that ended well and left nothing has failed.
    let quantise = record(&plan, "quantise");
    let reason = quantise["outcome"]["failed"]["reason"].as_str().unwrap();
    assert!(reason.contains("the command left no GGUF file at") && reason.contains("model.gguf is not there"), "{reason}");
    assert!(reason.contains("{out}"), "{reason}");
    assert!(quantise["artifact"].is_null());
}

#[test]
fn every_failure_says_what_where_and_how_to_mend_it() {
    for (behave, wants) in [
        ("fails", &["the loss left the finite numbers (exit code 3)"][..]),
        ("empty", &["left no PEFT adapter folder at", "there is nothing", "adapter_model.safetensors into {out}"]),
        ("pickled", &["adapter_model.bin, a pickle, which is never read"]),
        ("short", &["adapter_model.safetensors is cut short"]),
    ] {
        let Some((_folder, plan)) = made(&format!(r#", "--behave", "{behave}""#), "") else { return };
        let output = run(&plan);
        assert_eq!(output.status.code(), Some(1), "{}", errors(&output));
        let record = record(&plan, "adapt");
        let reason = record["outcome"]["failed"]["reason"].as_str().unwrap();
        assert!(wants.iter().all(|want| reason.contains(want)), "{behave}: {reason}");
    }
}

#[test]
fn a_program_that_is_not_there_is_told_by_the_plan_and_never_started() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), "{plan}/venv/bin/python3", "", "");
    let output = edge_eval().arg("plan").arg(&plan).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let want = format!("Its cells will fail: the program {}/venv/bin/python3 is not installed", folder.path().display());
    assert!(said.contains(&want), "{said}");
    assert_eq!(run(&plan).status.code(), Some(1));
    let record = record(&plan, "adapt");
    let reason = record["outcome"]["failed"]["reason"].as_str().unwrap();
    assert!(reason.contains("is not installed") && reason.contains("name its executable in `run`"), "{reason}");
    assert_eq!(record["energy"], json!([]));
}

#[test]
fn a_command_ends_with_a_campaign_that_is_killed() {
    let pids = tempfile::tempdir().unwrap();
    let file = pids.path().join("pids");
    let Some((_folder, plan)) = made(&format!(r#", "--behave", "hang", "--pid-file", {file:?}"#), "") else { return };
    let mut campaign = edge_eval().arg("run").arg(&plan).arg("--out").arg(plan.with_extension("run")).spawn().unwrap();
    let until = |done: &dyn Fn() -> bool| {
        (0..1500).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            done()
        })
    };
    assert!(until(&|| file.exists()), "the command did not begin");
    let pids = fs::read_to_string(&file).unwrap();
    campaign.kill().unwrap();
    campaign.wait().unwrap();
    let gone = |pid: &str| fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "));
    assert!(until(&|| pids.split_whitespace().all(gone)), "{pids} outlived the campaign");
}
