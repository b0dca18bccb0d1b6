//! Engines of others, driven end to end by `edge-eval run`: a fake one that serves well, and every way in which one can fail.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{METER_AND_PRICES, TINY, edge_eval};

const FAKE: &str = include_str!("fake_engine.py");

/// A folder with the fake engine; `None` where no Python is there to run it.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn fake() -> Option<TempDir> {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("skipped: python3 is absent");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("fake");
    fs::write(&script, format!("#!/usr/bin/env python3\n{FAKE}")).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    Some(folder)
}

/// Writes a small plan with one engine section.
fn plan(folder: &Path, engine: &str) -> PathBuf {
    let path = folder.join("plan.toml");
    let text = format!(
        r#"
name = "engines"
runs = 1
strategies = ["base-fp16"]
{TINY}[[tasks]]
kind = "rag"
train = "builtin"
eval = "builtin"
train_rows = 8
eval_rows = 4
primary = "f1"
max_tokens = 4
[[engines]]
{engine}
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

/// The fake engine in the place of vLLM.
fn fake_vllm(folder: &Path, behave: &str, more: &str) -> PathBuf {
    let program = folder.join("fake");
    plan(folder, &format!("kind = \"vllm\"\nprogram = \"{}\"\nextra_args = [\"--behave\", \"{behave}\"]\n{more}", program.display()))
}

fn run(plan: &Path) -> Output {
    edge_eval().arg("run").arg(plan).arg("--out").arg(plan.with_extension("run")).output().unwrap()
}

/// The record of the serving run.
fn record(plan: &Path) -> Value {
    let records = plan.with_extension("run").join("records");
    let entry = fs::read_dir(records).unwrap().map(|entry| entry.unwrap().path());
    let path = entry.into_iter().find(|path| path.file_name().unwrap().to_string_lossy().starts_with("serve-")).unwrap();
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn facts(record: &Value) -> Value {
    record["phases"].as_array().unwrap().iter().find(|phase| phase["phase"] == "engine").unwrap()["facts"].clone()
}

/// Runs a plan whose engine fails, and gives the reason in the record.
fn failure(plan: &Path) -> String {
    let output = run(plan);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    record(plan)["outcome"]["failed"]["reason"].as_str().unwrap().to_owned()
}

#[test]
fn an_engine_that_serves_is_measured_and_says_what_it_is() {
    let Some(folder) = fake() else { return };
    let plan = fake_vllm(folder.path(), "well", "version = \"0.24\"");
    let output = run(&plan);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let record = record(&plan);
    let facts = facts(&record);
    assert_eq!((&facts["engine"], &facts["version"]), (&"vllm".into(), &"0.24.0".into()));
    assert_eq!(facts["flags"], serde_json::json!([]));
    let gib = f64::from(1 << 30);
    assert_eq!(facts["weights_bytes"].as_f64(), Some(2.5 * gib));
    assert_eq!((facts["kv_pool_bytes"].as_f64(), facts["kv_used_bytes"].as_f64()), (Some(4.0 * gib), Some(2.0 * gib)));
    let seen = &record["detail"]["serve"];
    assert!(seen["ready"].as_u64() > seen["spawned"].as_u64() && seen["first_token"].as_u64() > seen["ready"].as_u64(), "{seen}");
    assert!(record["command"].to_string().contains("--served-model-name"));
}

/// The report of a run as JSON.
fn report(plan: &Path) -> Value {
    let output = edge_eval().arg("report").arg(plan.with_extension("run")).args(["--format", "json"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn what_is_held_under_load_is_seen_and_fp16_cells_are_not_quantised() {
    let Some(folder) = fake() else { return };
    let plan = fake_vllm(folder.path(), "slow", "compress = \"engine\"\nquantisation = \"bitsandbytes\"");
    let output = run(&plan);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let record = record(&plan);
    let facts = facts(&record);
    let gib = f64::from(1 << 30);
    assert_eq!((facts["kv_used_peak_bytes"].as_f64(), facts["running_peak"].as_f64()), (Some(3.0 * gib), Some(1.0)), "{facts}");
    assert_eq!(facts["kv_used_bytes"].as_f64(), Some(2.0 * gib));
    assert!(facts.get("waiting_peak").is_none());
    assert!(!record["command"].to_string().contains("--quantization"));
    assert_eq!(report(&plan)["cells"][0]["engine_version"], "0.24.0");
}

#[test]
fn another_build_of_an_engine_is_another_stage() {
    let Some(folder) = fake() else { return };
    let plan = fake_vllm(folder.path(), "well", "");
    let key = || {
        let output = edge_eval().arg("plan").arg(&plan).arg("--json").output().unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        told["stages"][0]["key"].as_str().unwrap().to_owned()
    };
    let before = key();
    assert_eq!(before, key());
    let program = folder.path().join("fake");
    fs::write(&program, fs::read_to_string(&program).unwrap().replace("0.24.0\")", "0.25.0\")")).unwrap();
    assert_ne!(before, key());
}

#[test]
fn a_cell_that_does_not_fit_has_that_for_a_result() {
    let Some(folder) = fake() else { return };
    let plan = fake_vllm(folder.path(), "oom", "");
    assert_eq!(run(&plan).status.code(), Some(1));
    let cause = record(&plan)["outcome"]["failed"]["does_not_fit"].clone();
    assert_eq!(cause["needed"], (1.96 * f64::from(1 << 30)) as u64);
    let cell = report(&plan)["cells"][0].clone();
    assert_eq!((&cell["does_not_fit"]["stage"], &cell["does_not_fit"]["needed_bytes"]), (&"serving run".into(), &cause["needed"]));
    let output = edge_eval().arg("report").arg(plan.with_extension("run")).output().unwrap();
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(table.contains("does not fit (") && table.contains("Tried to allocate 1.96 GiB"), "{table}");
}

#[test]
fn a_price_is_for_what_is_paid_by_tokens() {
    let Some(folder) = fake() else { return };
    let price = "price = { input_usd_per_mtok = 1.0, output_usd_per_mtok = 5.0, source = \"a test\", date = 2026-08-01 }";
    let plan = fake_vllm(folder.path(), "well", price);
    let output = run(&plan);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("engine \"vllm\" has a price, but is started here"), "{said}");
}

#[test]
fn lengths_that_are_not_kept_and_usage_that_lies_are_flagged() {
    let Some(folder) = fake() else { return };
    for (behave, flag) in [("short", "does not honour ignore_eos"), ("lies", "the server's usage is wrong")] {
        let plan = fake_vllm(folder.path(), behave, "");
        let output = run(&plan);
        assert!(String::from_utf8_lossy(&output.stderr).contains(flag), "{}", String::from_utf8_lossy(&output.stderr));
        let flags = facts(&record(&plan))["flags"].to_string();
        assert!(flags.contains(flag), "{flags}");
        let cell = report(&plan)["cells"][0].clone();
        assert!(cell["flags"].to_string().contains(flag), "{cell}");
        assert!(
            cell["metrics"]["throughput_tok_s"]["notes"].to_string().contains(&format!("answers {}", flag_beginning(behave))),
            "{cell}"
        );
        assert!(!cell["metrics"]["ttft_ms"]["notes"].to_string().contains("flagged"));
        fs::remove_dir_all(plan.with_extension("run")).unwrap();
    }
}

fn flag_beginning(behave: &str) -> &'static str {
    if behave == "short" { "have fewer than the 8 tokens" } else { "had more chunks of text" }
}

#[test]
fn every_failure_is_the_record_of_its_cell() {
    let Some(folder) = fake() else { return };
    let told = |behave: &str, more: &str, want: &str| {
        let plan = fake_vllm(folder.path(), behave, more);
        let reason = failure(&plan);
        assert!(reason.contains(want), "{behave}: {reason}");
        fs::remove_dir_all(plan.with_extension("run")).unwrap();
    };
    told("never", "ready_timeout_s = 1", "not ready after");
    told("crash", "", "it ended before it was ready");
    told("oom", "", "does not fit: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.96 GiB.");
    told("no-kv", "", "(4.0 GiB KV cache is needed, which is larger than the available KV cache memory (1.2 GiB)");
    told("well", "version = \"0.23\"", "is of version 0.24.0, and the plan wants 0.23");
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    told("well", &format!("port = {port}"), &format!("port {port} of 127.0.0.1 is taken"));
}

#[test]
fn an_engine_that_is_not_there_is_told_by_the_plan_and_costs_its_cells_only() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), "kind = \"vllm\"\nprogram = \"/nowhere/vllm\"");
    let output = edge_eval().arg("plan").arg(&plan).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0));
    assert!(
        said.contains("engine \"vllm\" is not installed: there is no program /nowhere/vllm; to install it: pip install vllm"),
        "{said}"
    );
    assert!(failure(&plan).contains("engine \"vllm\" is not installed"));
}

#[test]
fn a_server_that_is_there_already_has_no_cold_start() {
    let Some(folder) = fake() else { return };
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let mut server = Command::new(folder.path().join("fake")).args(["--port", &port.to_string()]).spawn().unwrap();
    let up = (0..500).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    let price = "price = { input_usd_per_mtok = 1.0, output_usd_per_mtok = 5.0, source = \"a test\", date = 2026-08-01 }";
    let plan = plan(folder.path(), &format!("kind = \"openai\"\nurl = \"http://127.0.0.1:{port}\"\nmodel = \"m\"\n{price}"));
    let output = run(&plan);
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(up);
    let record = record(&plan);
    assert_eq!(record["outcome"], "done", "{}", String::from_utf8_lossy(&output.stderr));
    let seen = &record["detail"]["serve"];
    assert_eq!(seen["spawned"], seen["first_token"]);
    // Seven tokens in and eight out; nothing here could be metered.
    let metrics = report(&plan)["cells"][0]["metrics"].clone();
    let cost = &metrics["cost_per_request_usd"];
    assert!((cost["value"].as_f64().unwrap() - 47e-6).abs() < 1e-12, "{cost}");
    assert!(cost["notes"].to_string().contains("price of 2026-08-01 (a test)"), "{cost}");
    assert!(metrics["energy_per_request_j"]["missing"].is_string(), "{metrics}");
}

#[test]
fn an_engine_ends_with_a_campaign_that_is_killed() {
    let Some(folder) = fake() else { return };
    let file = folder.path().join("pid");
    let program = folder.path().join("fake");
    let engine =
        format!("kind = \"vllm\"\nprogram = \"{}\"\nextra_args = [\"--behave\", \"never\", \"--pid-file\", {file:?}]", program.display());
    let plan = plan(folder.path(), &engine);
    let mut campaign = edge_eval().arg("run").arg(&plan).arg("--out").arg(plan.with_extension("run")).spawn().unwrap();
    let until = |done: &dyn Fn() -> bool| {
        (0..1500).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            done()
        })
    };
    let begun = until(&|| file.exists());
    campaign.kill().unwrap();
    campaign.wait().unwrap();
    assert!(begun, "the engine was not started");
    let pid = fs::read_to_string(&file).unwrap();
    let gone = until(&|| fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z ")));
    assert!(gone, "the engine {pid} outlived its campaign");
}
