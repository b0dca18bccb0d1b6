//! `edge-eval load` against servers of known truth.

use std::{path::Path, process::Output};

use load::mock::{Mock, Script};
use serde_json::Value;

use crate::edge_eval;

const KEY: &str = "sk-never-to-be-seen-1234";

fn mock(script: &str) -> Mock {
    Mock::start(Script::parse(script).unwrap()).unwrap()
}

fn fast() -> Mock {
    mock("[answer]\nttft_ms = 1\nitl_ms = 0.2\n")
}

fn load(url: &str, more: &[&str]) -> Output {
    let mut command = edge_eval();
    command.args(["load", "--url", url, "--model", "m", "--quiet"]).args(more).env("EDGE_EVAL_TEST_KEY", KEY);
    command.output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)))
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

#[test]
fn a_run_prints_the_promised_json_and_never_the_key() {
    let (server, folder) = (fast(), tempfile::tempdir().unwrap());
    let (out, save) = (folder.path().join("out.jsonl"), folder.path().join("requests.parquet"));
    let flags = ["--concurrency", "4", "--requests", "12", "--max-tokens", "5", "--json", "--api-key-env", "EDGE_EVAL_TEST_KEY"];
    let files = ["--out", out.to_str().unwrap(), "--save", save.to_str().unwrap()];
    let output = load(&server.url(), &[&flags[..], &files[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let seen = json(&output);
    for name in ["ttft_ms", "itl_ms", "tpot_ms", "e2e_ms", "lateness_ms"] {
        assert!(["mean", "p50", "p90", "p95"].iter().all(|key| seen[name][key].is_f64()), "{name}: {}", seen[name]);
        assert!(seen[name]["p99"].is_null() && seen[name]["ci95"]["mean"].is_array(), "{name}");
    }
    assert_eq!((seen["requests_ok"].as_u64(), seen["requests_failed"].as_u64()), (Some(12), Some(0)));
    assert!(seen["throughput_tok_s"].as_f64().unwrap() > 0.0 && seen["failures"].as_object().unwrap().is_empty());
    assert_eq!(seen["completion_tokens"], 60);
    assert_eq!(server.truth().requests.len(), 12);
    assert_eq!(record::read_requests(&save).unwrap().len(), 12);
    assert_eq!(text(&out).lines().count(), 1);
    for written in [String::from_utf8_lossy(&output.stdout).into_owned(), stderr(&output), text(&out), text(&save)] {
        assert!(!written.contains(KEY));
    }
}

#[test]
fn a_run_whose_every_request_failed_prints_why_and_exits_with_1() {
    let server = mock("[answer]\nstatus = 503\n");
    let output = load(&server.url(), &["--requests", "3", "--json", "--api-key-env", "EDGE_EVAL_TEST_KEY"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!((json(&output)["requests_failed"].as_u64(), json(&output)["failures"]["status: 503"].as_u64()), (Some(3), Some(3)));
    assert!(stderr(&output).starts_with("error: all 3 requests failed (3 status: 503)"), "{}", stderr(&output));
    assert!(!stderr(&output).contains(KEY));
    let nobody = load("http://127.0.0.1:9", &["--requests", "2", "--json"]);
    assert_eq!((nobody.status.code(), json(&nobody)["failures"]["connect"].as_u64()), (Some(1), Some(2)));
    assert!(stderr(&nobody).contains("hint: check that the server is up"), "{}", stderr(&nobody));
}

#[test]
fn flags_that_do_not_go_together_send_nothing() {
    let server = fast();
    let output = load(&server.url(), &["--trace", "t.csv", "--rate", "3"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("hint: the trace says when requests come"), "{}", stderr(&output));
    assert!(server.truth().requests.is_empty());
}

#[test]
fn a_sweep_saves_each_point_and_gives_each_its_own_prompts() {
    let (server, folder) = (fast(), tempfile::tempdir().unwrap());
    let out = folder.path().join("points.jsonl");
    let flags = ["--sweep-concurrency", "1,3", "--requests", "6", "--max-tokens", "3", "--cool-down-s", "0", "--json"];
    let output = load(&server.url(), &[&flags[..], &["--out", out.to_str().unwrap(), "--slo", "e2e:60000"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let seen = json(&output);
    assert_eq!((&seen["points"][0]["load"]["concurrency"], &seen["points"][1]["load"]["concurrency"]), (&1.into(), &3.into()));
    assert_ne!(seen["points"][0]["seed"], seen["points"][1]["seed"]);
    assert_eq!(seen["points"][1]["goodput"]["share"], 1.0);
    // Six measured and a stream's worth of warm-up each.
    assert_eq!(server.truth().requests.len(), 6 + 1 + 6 + 3);
    let lines: Vec<Value> = text(&out).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.as_slice(), seen["points"].as_array().unwrap().as_slice());
}

#[test]
fn a_search_ends_at_its_bound_or_at_the_limits() {
    let server = fast();
    let flags = ["--search", "concurrency", "--search-max", "4", "--requests", "4", "--max-tokens", "2", "--cool-down-s", "0", "--json"];
    let met = json(&load(&server.url(), &[&flags[..], &["--slo", "e2e:60000"]].concat()));
    assert_eq!(
        (&met["search"]["highest"], &met["search"]["bounded"], met["points"].as_array().unwrap().len()),
        (&4.0.into(), &false.into(), 3)
    );
    let output = load(&server.url(), &[&flags[..], &["--slo", "e2e:0.001"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(json(&output)["search"]["highest"].is_null());
}

#[test]
fn a_trace_is_replayed_whole_with_its_lengths() {
    let (server, folder) = (fast(), tempfile::tempdir().unwrap());
    let trace = folder.path().join("trace.csv");
    std::fs::write(&trace, "arrival_ns,input_tokens,output_tokens\n0,20,3\n1000000,30,4\n2000000,40,5\n").unwrap();
    let output = load(&server.url(), &["--trace", trace.to_str().unwrap(), "--time-scale", "0.5", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let seen = json(&output);
    assert_eq!((seen["came"]["requests"].as_u64(), seen["completion_tokens"].as_u64()), (Some(3), Some(12)));
    assert_eq!(seen["came"]["due_span_s"], 0.001);
    // The mock counts words, as the two probes found.
    assert_eq!((seen["prompt_tokens"]["min"].as_u64(), seen["prompt_tokens"]["max"].as_u64()), (Some(20), Some(40)));
    std::fs::write(&trace, "arrival_ns,input_tokens,output_tokens\n0,20,3\n1,x,4\n").unwrap();
    let bad = load(&server.url(), &["--trace", trace.to_str().unwrap()]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(stderr(&bad).contains("trace.csv:3: input_tokens is \"x\", not a whole number"), "{}", stderr(&bad));
}

#[test]
fn hits_of_a_prefix_cache_are_flagged() {
    let server = mock("[answer]\nttft_ms = 1\nitl_ms = 0.2\ncached_tokens = 30\n");
    let seen = json(&load(&server.url(), &["--requests", "4", "--max-tokens", "2", "--json"]));
    assert_eq!(seen["prefix_cache"]["flagged"], true);
    assert!(seen["notes"][0].as_str().unwrap().contains("came from a prefix cache"), "{}", seen["notes"]);
}
