//! `edge-eval project`, and what rests on it: the errors of the model, a run projected, goodput within a plan's limits, advice with a power
//! envelope and candidates on other devices.

use std::{fs, path::Path, path::PathBuf};

use serde_json::Value;

use crate::{METER_AND_PRICES, TINY, edge_eval};

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let output = edge_eval().args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn json(args: &[&str]) -> Value {
    let (code, stdout, stderr) = run(args);
    serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {code:?} {stdout} {stderr}"))
}

#[test]
fn the_error_on_every_pair_of_devices_is_told() {
    let (code, stdout, stderr) = run(&["project", "--check"]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    for pair in ["H200", "T4", "A100-40GB-SXM", "H100-80GB-SXM", "EPYC-2-cores", "every"] {
        assert!(stdout.contains(pair), "{pair}: {stdout}");
    }
    let checked = json(&["project", "--check", "--json"]);
    assert_eq!(checked["label"], "projected");
    let pair = checked["devices"].as_array().unwrap().iter().find(|pair| pair["from"] == "H200" && pair["to"] == "T4").unwrap();
    assert_eq!(pair["figures"]["itl_ms"]["n"], 6);
    // The paper's rows are named by where they stand.
    let rows = checked["rows"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["to"]["machine"] == "2 × T4" && row["to"]["source"].as_str().unwrap().contains("EDGE-EVAL")));
}

#[test]
fn the_table_of_devices_has_a_source_for_every_figure() {
    let devices = json(&["project", "--devices-known", "--json"]);
    let t4 = devices.as_array().unwrap().iter().find(|device| device["name"] == "T4").unwrap();
    assert!(
        t4["bandwidth_gb_s"]["value"] == 320.0 && t4["bandwidth_gb_s"]["source"].is_string() && t4["bandwidth_gb_s"]["date"].is_string()
    );
}

#[test]
fn what_is_wrong_is_told_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let (code, _, stderr) = run(&["project", path, "--to", "GTX 970"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("has no `GTX 970`") && stderr.contains("hint: one of: ") && stderr.contains("RTX-4090"), "{stderr}");
    assert_eq!(run(&["project", path]).0, Some(2));
    assert_eq!(run(&["project", "--check", path]).0, Some(2));
    let own = folder.path().join("own.toml");
    fs::write(
        &own,
        "devices = [{ name = 'X', tflops = { value = -1, source = 's' } }]\n[sources]\ns = { title = 't', date = '2026-01-01' }\n",
    )
    .unwrap();
    let (code, _, stderr) = run(&["project", "--devices-known", "--devices", own.to_str().unwrap()]);
    assert!(code == Some(1) && stderr.contains("X: tflops is -1"), "{stderr}");
}

/// A run of the quickstart's model in the embedded engine, with limits.
fn a_run(folder: &Path) -> PathBuf {
    let plan = folder.join("plan.toml");
    let text = format!(
        "name = \"p\"\nruns = 2\nstrategies = [\"base-fp16\"]\n{TINY}[[tasks]]\nkind = \"rag\"\ntrain = \"builtin\"\neval = \"builtin\"\ntrain_rows = 8\n\
         eval_rows = 8\nprimary = \"f1\"\nmax_tokens = 2\n[[engines]]\nkind = \"embedded\"\n[load]\nrequests = 4\nwarmup = 1\noutput_tokens = 8\n\
         [slo]\nttft_ms = 60000.0\n{METER_AND_PRICES}"
    );
    fs::write(&plan, text).unwrap();
    let out = folder.join("run");
    let output = edge_eval().arg("run").arg(&plan).arg("--out").arg(&out).output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 4)), "{}", String::from_utf8_lossy(&output.stderr));
    out
}

#[test]
fn a_run_is_projected_and_advised_on() {
    let folder = tempfile::tempdir().unwrap();
    let out = a_run(folder.path());
    let out = out.to_str().unwrap();

    // No GPU is named by its records.
    let (code, _, _) = run(&["project", out, "--to", "T4"]);
    assert_eq!(code, Some(1));
    let own = folder.path().join("own.toml");
    // As fast as can be, so that no record is faster than its roofline.
    let fast = "[sources]\ns = { title = 't', date = '2026-01-01' }\n[[devices]]\nname = 'Here'\nbandwidth_gb_s = { value = 100000, source = 's' }\n\
                tflops = { value = 1000, source = 's' }\n";
    fs::write(&own, fast).unwrap();
    let on = ["--from", "Here", "--devices", own.to_str().unwrap()];
    let shown = json(&[&["project", out, "--to", "T4", "--to", "2xT4", "--json"], &on[..]].concat());
    let row = &shown["rows"][0];
    assert_eq!((row["measured"]["label"].as_str(), row["projected"].as_array().unwrap().len()), (Some("measured"), 2));
    let there = &row["projected"][0];
    assert_eq!((there["label"].as_str(), there["machine"].as_str(), there["fits"].as_bool()), (Some("projected"), Some("T4"), Some(true)));
    assert!(there["figures"]["itl_ms"]["value"].as_f64().unwrap() > 0.0, "{there}");
    assert!(there["figures"]["power_w"]["missing"].as_str().unwrap().contains("modelled"), "{there}");
    let (code, stdout, _) = run(&[&["project", out, "--to", "T4"], &on[..]].concat());
    let lines: Vec<&str> = stdout.lines().filter(|line| line.starts_with("  ") && line.contains(" T4 ")).collect();
    assert!(code == Some(0) && !lines.is_empty() && lines.iter().all(|line| line.contains("projected")), "{stdout}");

    // Everything is within 60 s.
    let report = json(&["report", out, "--format", "json"]);
    let figure = |name: &str| report["cells"][0]["metrics"][name]["value"].as_f64().unwrap_or_else(|| panic!("{name}: {report}"));
    assert!(figure("goodput_rps") > 0.0 && figure("goodput_per_watt") > 0.0 && figure("power_w") > 0.0);
    assert!((figure("goodput_tokens_per_joule") / figure("goodput_per_watt") - 8.0).abs() < 0.5);

    let limits = [
        "--requests-per-month",
        "200k",
        "--ttft-p95",
        "60s",
        "--quality-min",
        "0",
        "--vram",
        "16GB",
        "--region",
        "DE",
        "--power-max",
        "1kW",
    ];
    let advice = json(&[&["advise", out], &limits[..], &["--project-to", "T4@0.35", "--json"], &on[..]].concat());
    let task = &advice["tasks"][0];
    assert!(advice["limits"]["power_w"] == 1000.0 && task["candidates"].as_array().unwrap().len() == 2, "{advice}");
    assert!(task["pick"] == 0 && task["candidates"][0]["projected"].is_null(), "{task}");
    assert!(task["candidates"][1]["projected"]["label"] == "projected" && task["candidates"][1]["projected"]["to"] == "T4", "{task}");
    let (_, stdout, _) = run(&[&["advise", out], &limits[..]].concat());
    assert!(stdout.contains("frontier: Tiny 3M base-fp16 on embedded") && !stdout.contains("projected"), "{stdout}");
}
