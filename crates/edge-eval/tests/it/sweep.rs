//! A sweep of concurrency end to end: the mock as a server of known truth, a fake engine that cannot bear a level, a campaign that goes on.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

use serde_json::Value;

use crate::{METER_AND_PRICES, TINY, edge_eval, engines::fake};

/// A server that is ended with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A mock whose answers take 10 ms to their first token and 10 ms for each further one, however many run at once.
fn mock() -> (Server, String) {
    let args = ["mock", "--port", "0", "--ttft-ms", "10", "--itl-ms", "10"];
    let mut child = edge_eval().args(args).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Server(child), line.trim_end().to_owned())
}

fn plan(folder: &Path, concurrency: &str, engine: &str) -> PathBuf {
    let path = folder.join("plan.toml");
    let text = format!(
        r#"
name = "sweep"
runs = 2
strategies = ["base-fp16"]
{TINY}[[tasks]]
kind = "rag"
train = "builtin"
eval = "builtin"
train_rows = 8
eval_rows = 60
primary = "f1"
max_tokens = 2
[[engines]]
{engine}
[load]
concurrency = {concurrency}
requests = 4
warmup = 1
output_tokens = 10
timeout_s = 20.0
{METER_AND_PRICES}"#
    );
    fs::write(&path, text).unwrap();
    path
}

fn run(plan: &Path) -> String {
    let output = edge_eval().arg("run").arg(plan).arg("--out").arg(plan.with_extension("run")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // 4: a server that is not ours has no energy that could be believed.
    assert!(matches!(output.status.code(), Some(0 | 4)), "{said}");
    said
}

fn report(plan: &Path) -> Value {
    let output = edge_eval().arg("report").arg(plan.with_extension("run")).args(["--format", "json"]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The records of the serving runs, by the names of their files.
fn records(plan: &Path) -> Vec<(String, Value)> {
    let entries = fs::read_dir(plan.with_extension("run").join("records")).unwrap().map(|entry| entry.unwrap().path());
    let mut records: Vec<_> = entries
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("serve-"))
        .map(|path| (path.to_string_lossy().into_owned(), serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap()))
        .collect();
    records.sort_by(|a, b| a.0.cmp(&b.0));
    records
}

#[test]
fn a_server_of_known_truth_is_measured_at_every_level() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, url) = mock();
    let plan = plan(folder.path(), "[1, 4, 16]", &format!("kind = \"openai\"\nurl = \"{url}\"\nmodel = \"m\""));
    run(&plan);
    let report = report(&plan);
    let levels = report["levels"].as_array().unwrap();
    assert_eq!(levels.iter().map(|level| level["concurrency"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 4, 16]);
    for level in levels {
        let (streams, figure) = (level["concurrency"].as_f64().unwrap(), |name: &str| level["metrics"][name]["value"].as_f64().unwrap());
        // Ten tokens in 100 ms on each stream, at most; a busy machine gives fewer.
        let (all, each) = (figure("throughput_tok_s"), figure("throughput_per_stream_tok_s"));
        assert!(each <= 100.5 && each > 40.0 && (all - each * streams).abs() < 1e-6, "{streams} streams: {all} and {each} tokens/s");
        assert!(figure("ttft_ms") >= 9.9 && figure("itl_ms") >= 9.0, "{level}");
        assert!(level["metrics"].get("score").is_none() && level["metrics"].get("train_energy_j").is_none());
    }
    let cell = &report["cells"][0];
    assert_eq!(cell["metrics"]["throughput_tok_s"]["value"], levels[0]["metrics"]["throughput_tok_s"]["value"], "the cell's own level");
    let before = records(&plan);
    for (_, record) in &before {
        let facts = &record["detail"]["serve"];
        assert_eq!(facts["requests"], 4);
        let mut wanted: Vec<_> = facts["levels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|level| {
                let seen = &level["seen"]["value"];
                assert!(plan.with_extension("run").join(seen["requests_file"].as_str().unwrap()).exists());
                (level["concurrency"].as_u64().unwrap(), seen["requests"].as_u64().unwrap(), seen["warmup"].as_u64().unwrap())
            })
            .collect();
        wanted.sort_unstable();
        assert_eq!(wanted, [(4, 16, 4), (16, 64, 16)]);
        let windows: Vec<_> = record["energy"].as_array().unwrap().iter().filter_map(|window| window["name"].as_str()).collect();
        assert!(["speed", "speed.c4", "speed.c16"].iter().all(|name| windows.contains(name)), "{windows:?}");
    }
    // The same plan again repeats nothing; another list of levels is another measurement.
    run(&plan);
    assert_eq!(records(&plan), before);
    let text = fs::read_to_string(&plan).unwrap().replace("[1, 4, 16]", "[1, 2]");
    fs::write(&plan, text).unwrap();
    run(&plan);
    assert_eq!(records(&plan).len(), 2 * before.len());
    let table = edge_eval().arg("report").arg(plan.with_extension("run")).output().unwrap();
    assert!(String::from_utf8_lossy(&table.stdout).contains("By concurrency"));
}

#[test]
fn a_server_that_dies_at_a_level_loses_that_level_and_none_before_it() {
    let Some(folder) = fake() else { return };
    let program = folder.path().join("fake");
    let engine = format!("kind = \"vllm\"\nprogram = \"{}\"\nextra_args = [\"--behave\", \"dies-above-8\"]", program.display());
    let plan = plan(folder.path(), "[1, 4, 16]", &engine);
    let said = run(&plan);
    assert!(said.contains("no figures at 16 streams: the server died"), "{said}");
    for (_, record) in records(&plan) {
        assert_eq!(record["outcome"], "done");
        let levels = record["detail"]["serve"]["levels"].as_array().unwrap();
        let at = |streams: u64| levels.iter().position(|level| level["concurrency"] == streams).unwrap();
        let died = levels[at(16)]["seen"]["missing"].as_str().unwrap();
        assert!(died.starts_with("the server died: does not fit: torch.OutOfMemoryError"), "{died}");
        let four = &levels[at(4)]["seen"];
        if at(4) < at(16) {
            assert_eq!(four["value"]["requests"], 16, "{four}");
        } else {
            assert!(four["missing"].as_str().unwrap().starts_with("the server had died at 16 streams"), "{four}");
        }
    }
    let report = report(&plan);
    assert!(report["cells"][0]["metrics"]["throughput_tok_s"]["value"].as_f64().unwrap() > 0.0);
    let missing = report["levels"][2]["metrics"]["throughput_tok_s"]["missing"].as_str().unwrap();
    assert!(missing.contains("at 16 streams the server died"), "{missing}");
}
