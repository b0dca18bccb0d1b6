//! A real `llama-server` beside the embedded engine, on the same GGUF file, through `edge-eval run`. Not a comparison of speeds: that needs a quiet
//! machine and a larger model.
//!
//! The server is the one that `EDGE_EVAL_TEST_LLAMA_SERVER` names, else the one in `PATH`; without either the test is skipped.
//! `cargo xtask llama-cpp` builds one and runs this test with it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::edge_eval;

/// Items that are asked of both engines.
const ITEMS: usize = 60;
/// Most of them that may be marked otherwise. Both decode greedily from the same weights, and differ in the order of their sums and
/// in llama.cpp's KV cache, which is in f16: where two tokens are nearly equally likely an answer may go another way.
const NEAR_TIES: usize = 1;
const ENGINES: [&str; 2] = ["embedded", "llama-cpp"];

#[test]
fn the_same_gguf_is_the_same_model_in_llama_cpp() {
    let Some(server) = llama_server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let gguf = quantised(folder.path());
    let report = run(folder.path(), &gguf, &server);

    for engine in ENGINES {
        let cell = cell(&report, engine);
        for metric in ["ttft_ms", "itl_ms", "throughput_tok_s", "energy_per_token_j", "peak_memory_bytes", "score"] {
            let figure = &cell["metrics"][metric];
            assert!(figure["value"].as_f64().is_some_and(|value| value > 0.0), "{engine}: {metric}: {figure}");
        }
        assert_eq!(cell["metrics"]["energy_per_token_j"]["source"], "modelled", "{engine}");
        let serve = record(folder.path(), "serve-", engine);
        let facts = serve["phases"].as_array().unwrap().iter().find(|phase| phase["phase"] == "engine").unwrap()["facts"].clone();
        assert!(facts["version"].is_string() && facts["flags"].as_array().is_some_and(Vec::is_empty), "{engine}: {facts}");
        // Both tell the weights that they hold: the same file, to the two decimals of llama.cpp's log.
        let (told, file) = (facts["weights_bytes"].as_f64().unwrap(), fs::metadata(&gguf).unwrap().len() as f64);
        assert!((0.95..=1.0).contains(&(told / file)), "{engine}: {told} bytes of weights from a file of {file}");
    }
    let [ours, theirs] = ENGINES.map(|engine| marks(folder.path(), engine));
    assert_eq!((ours.len(), theirs.len()), (ITEMS, ITEMS));
    let otherwise: Vec<_> = ours.iter().filter(|(id, marks)| theirs.get(*id) != Some(marks)).collect();
    assert!(otherwise.len() <= NEAR_TIES, "{} of {ITEMS} items are marked otherwise: {otherwise:?}", otherwise.len());
    assert_eq!(naming(folder.path()), Vec::<String>::new(), "processes that outlived the campaign");
}

/// The server to test with.
#[expect(clippy::disallowed_methods, reason = "a test is told by the environment where the program lies")]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn llama_server() -> Option<PathBuf> {
    let named = std::env::var("EDGE_EVAL_TEST_LLAMA_SERVER").ok().filter(|name| !name.is_empty()).map(PathBuf::from);
    if let Some(named) = named {
        assert!(named.is_file(), "EDGE_EVAL_TEST_LLAMA_SERVER: there is no {}", named.display());
        return Some(named);
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("llama-server")).find(|program| program.is_file());
    if found.is_none() {
        eprintln!("skipped: llama-server is absent (`cargo xtask llama-cpp` builds it and runs this test)");
    }
    found
}

/// The quickstart's model as a GGUF file.
fn quantised(folder: &Path) -> PathBuf {
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("quickstart/model");
    let gguf = folder.join("tiny.gguf");
    let output =
        edge_eval().args(["compress", "quantise", "--format", "q8_0", "--model"]).arg(model).arg("--out").arg(&gguf).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    gguf
}

/// Runs both engines, and gives the report.
fn run(folder: &Path, gguf: &Path, server: &Path) -> Value {
    let path = folder.join("plan.toml");
    fs::write(&path, plan(gguf, server)).unwrap();
    let output = edge_eval().args(["run", "--json", "--quiet"]).arg(&path).arg("--out").arg(folder.join("run")).output().unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stderr), logs(folder));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn plan(gguf: &Path, server: &Path) -> String {
    let (gguf, server) = (gguf.display(), server.display());
    format!(
        r#"
name = "llama-cpp"
runs = 1
strategies = ["base-fp16"]
[[models]]
family = "Tiny"
tier = "3M"
path = "{gguf}"
[[tasks]]
kind = "rag"
train = "builtin"
eval = "builtin"
train_rows = 8
eval_rows = {ITEMS}
primary = "f1"
max_tokens = 24
[[engines]]
kind = "embedded"
threads = 1
[[engines]]
kind = "llama-cpp"
program = "{server}"
threads = 1
context_length = 512
prefix_caching = false
[load]
requests = 64
warmup = 2
output_tokens = 32
timeout_s = 60.0
[meter]
kind = "modelled"
modelled_w_per_core = 4.4
idle_s = 0.1
[prices]
api_name = "none"
api_input_usd_per_mtok = 1.0
api_output_usd_per_mtok = 1.0
api_source = "a test"
api_date = 2026-08-01
electricity_usd_per_kwh = 0.12
pue = 1.0
setup_usd = 0.0
"#
    )
}

fn cell<'a>(report: &'a Value, engine: &str) -> &'a Value {
    report["cells"].as_array().unwrap().iter().find(|cell| cell["engine"] == engine).unwrap()
}

/// The only record of a stage of one engine, whose label names it.
fn record(folder: &Path, stage: &str, engine: &str) -> Value {
    let entries = fs::read_dir(folder.join("run/records")).unwrap().map(|entry| entry.unwrap().path());
    let of_stage = entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(stage));
    let mut records = of_stage.map(|path| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap());
    records.find(|record| record["label"].as_str().unwrap().contains(engine)).unwrap()
}

/// Every mark of every item, by the item's name.
fn marks(folder: &Path, engine: &str) -> BTreeMap<String, Value> {
    let record = record(folder, "quality-", engine);
    let items = record["detail"]["quality"]["items"].as_array().unwrap();
    items.iter().map(|item| (item["id"].as_str().unwrap().to_owned(), item["marks"].clone())).collect()
}

/// The command lines of processes that name a folder.
fn naming(folder: &Path) -> Vec<String> {
    let folder = folder.to_string_lossy();
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path().join("cmdline"));
    let lines = processes.filter_map(|path| Some(String::from_utf8_lossy(&fs::read(path).ok()?).replace('\0', " ")));
    lines.filter(|line| line.contains(&*folder)).collect()
}

/// The ends of the engines' logs, for a failure's message.
fn logs(folder: &Path) -> String {
    let entries = fs::read_dir(folder.join("run/logs")).into_iter().flatten().flatten();
    let ends = entries.map(|entry| {
        let text = fs::read(entry.path()).unwrap_or_default();
        format!("\n{}:\n{}", entry.path().display(), String::from_utf8_lossy(&text[text.len().saturating_sub(2000)..]))
    });
    ends.collect()
}
