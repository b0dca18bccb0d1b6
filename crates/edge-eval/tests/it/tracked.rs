//! A small run, compared with itself, exported and pushed: the program from a run folder on.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::Output,
    sync::{Arc, LazyLock, Mutex},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{METER_AND_PRICES, TINY, edge_eval};

/// One cell, served three times.
static RUN: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let plan = dir.path().join("plan.toml");
    let text = format!(
        r#"
name = "tracked"
runs = 3
strategies = ["base-fp16"]
{TINY}[[tasks]]
kind = "rag"
train = "builtin"
eval = "builtin"
train_rows = 8
eval_rows = 12
primary = "f1"
max_tokens = 4
[[engines]]
kind = "embedded"
threads = 1
[load]
requests = 4
warmup = 1
output_tokens = 8
timeout_s = 20.0
{METER_AND_PRICES}"#
    );
    fs::write(&plan, text).unwrap();
    let folder = dir.path().join("run");
    let output = edge_eval().arg("run").arg(&plan).arg("--out").arg(&folder).arg("--live").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("serve ") && !said.contains('\u{1b}'), "without a terminal --live tells plain lines: {said}");
    (dir, folder)
});

fn compare(args: &[&str]) -> Output {
    edge_eval().arg("compare").args([&RUN.1, &RUN.1]).args(args).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_run_beside_itself_breaks_no_gate() {
    let output = compare(&["--fail-if", "score < -0.9", "--fail-if", "ttft_ms > 100000"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        said(&output).contains("no detectable difference") && said(&output).contains("gate 'ttft_ms > 100000': kept"),
        "{}",
        said(&output)
    );
}

#[test]
fn gates_end_with_code_3_and_inconclusive_ones_when_asked() {
    assert_eq!(compare(&["--fail-if", "ttft_ms > 0"]).status.code(), Some(3));
    let zero = ["--metric", "score", "--fail-if", "score < -0.0"];
    let lenient = compare(&zero);
    assert_eq!(lenient.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&lenient.stderr).contains("gate 'score < -0.0' is inconclusive"));
    assert_eq!(compare(&[&zero[..], &["--fail-on-inconclusive"]].concat()).status.code(), Some(3));
}

#[test]
fn unknown_words_are_told_with_the_nearest() {
    let output = compare(&["--metric", "ttft_m"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean 'ttft_ms'?"));
    let output = compare(&["--fail-if", "energy_per_reqest_j > +5%"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean 'energy_per_request_j'?"));
}

#[test]
fn json_and_markdown() {
    let json: Value = serde_json::from_slice(&compare(&["--json", "--all"]).stdout).unwrap();
    assert_eq!((&json["schema"], &json["runs"][1]["letter"]), (&json!("edge-eval/compare/1"), &json!("B")));
    assert!(json["cells"][0]["figures"].as_array().unwrap().len() > 40 && json["setup_differences"] == json!([]));
    assert!(said(&compare(&["--markdown"])).starts_with("# Comparison\n"));
}

#[test]
fn exports_go_where_they_are_told() {
    let out = tempfile::tempdir().unwrap();
    let report = |args: &[&str]| edge_eval().arg("report").arg(&RUN.1).args(args).output().unwrap();
    let folder = out.path().join("new");
    assert_eq!(report(&["--format", "parquet", "--out", folder.to_str().unwrap()]).status.code(), Some(0));
    for name in ["figures.parquet", "requests.parquet"] {
        assert_eq!(&fs::read(folder.join(name)).unwrap()[..4], b"PAR1", "{name}");
    }
    assert_eq!(report(&["--format", "parquet"]).status.code(), Some(2), "it must be told where");
    assert_eq!(report(&["--format", "csv", "--out", "x"]).status.code(), Some(1));
    assert!(said(&report(&["--format", "latex"])).contains("\\toprule"));
    assert_eq!(said(&report(&["--format", "md"])), said(&report(&["--format", "markdown"])));
}

/// Paths and bodies of what was posted.
type Kept = Arc<Mutex<Vec<(String, Value)>>>;

/// A server that keeps what it is posted, and answers as it is told to.
fn server(answer: fn(&str) -> (u16, Value)) -> (String, Kept) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let kept = Kept::default();
    let keeping = Arc::clone(&kept);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let keeping = Arc::clone(&keeping);
            std::thread::spawn(move || serve(&stream, answer, &keeping));
        }
    });
    (url, kept)
}

fn serve(stream: &TcpStream, answer: fn(&str) -> (u16, Value), kept: &Mutex<Vec<(String, Value)>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).is_ok_and(|read| read == 0) {
                return;
            }
        }
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let lower = head.to_lowercase();
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let mut body: Value = serde_json::from_slice(&body).unwrap();
        if let Some(token) = lower.lines().find_map(|line| line.strip_prefix("authorization: ")) {
            body["authorization"] = token.into();
        }
        kept.lock().unwrap().push((path.clone(), body));
        let (status, answer) = answer(&path);
        let text = answer.to_string();
        write!(&*stream, "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{text}", text.len()).unwrap();
    }
}

fn mlflow(path: &str) -> (u16, Value) {
    match path.rsplit('/').next().unwrap() {
        "create" if path.contains("experiments") => (400, json!({"error_code": "RESOURCE_ALREADY_EXISTS", "message": "it exists"})),
        "search" => (200, json!({"experiments": [{"experiment_id": "7"}]})),
        "create" => (200, json!({"run": {"info": {"run_id": "r"}}})),
        _ => (200, json!({})),
    }
}

#[test]
fn mlflow_gets_a_run_for_the_whole_and_one_a_variant() {
    let (url, kept) = server(mlflow);
    let mut command = edge_eval();
    command.arg("push").arg(&RUN.1).args(["--mlflow", &url, "--experiment", "it's mine"]).env("MLFLOW_TRACKING_TOKEN", "secret");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let kept = kept.lock().unwrap();
    let paths: Vec<_> = kept.iter().map(|(path, _)| path.trim_start_matches("/api/2.0/mlflow/")).collect();
    let of_run = ["runs/create", "runs/log-batch"];
    let want = [&["experiments/create", "experiments/search"], &of_run[..], &of_run[..], &["runs/update"; 2][..]].concat();
    assert_eq!(paths, want);
    assert_eq!((&kept[1].1["filter"], &kept[2].1["experiment_id"]), (&json!("name = 'it''s mine'"), &json!("7")));
    assert!(kept.iter().all(|(_, body)| body["authorization"] == "bearer secret"));
    let cell = &kept[4].1;
    assert!(cell["tags"].as_array().unwrap().contains(&json!({"key": "mlflow.parentRunId", "value": "r"})));
    let metrics = kept[5].1["metrics"].as_array().unwrap();
    let throughput = metrics.iter().find(|metric| metric["key"] == "throughput_tok_s").unwrap();
    assert!(throughput["value"].as_f64().unwrap() > 0.0);
    assert!(metrics.iter().all(|metric| metric["value"].is_number()), "what is missing is not pushed");
}

#[test]
fn a_collector_gets_gauges_and_histograms() {
    let (url, kept) = server(|_| (200, json!({})));
    let output = edge_eval().arg("push").arg(&RUN.1).args(["--otlp", &url]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let kept = kept.lock().unwrap();
    assert_eq!(kept[0].0, "/v1/metrics");
    let metrics = kept[0].1["resourceMetrics"][0]["scopeMetrics"][0]["metrics"].as_array().unwrap();
    let named = |name: &str| metrics.iter().find(|metric| metric["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    for name in
        ["gen_ai.client.operation.duration", "gen_ai.client.operation.time_to_first_chunk", "gen_ai.client.operation.time_per_output_chunk"]
    {
        let metric = named(name);
        let point = &metric["histogram"]["dataPoints"][0];
        let counts: u64 =
            point["bucketCounts"].as_array().unwrap().iter().map(|count| count.as_str().unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!((&metric["unit"], point["count"].as_str()), (&json!("s"), Some(&*counts.to_string())), "{name}");
        assert_eq!(point["bucketCounts"].as_array().unwrap().len(), point["explicitBounds"].as_array().unwrap().len() + 1);
    }
    // Three runs of four requests.
    assert_eq!(named("gen_ai.client.operation.duration")["histogram"]["dataPoints"][0]["count"], "12");
    assert_eq!(named("gen_ai.client.token.usage")["histogram"]["dataPoints"].as_array().unwrap().len(), 2);
    assert!(named("edge_eval.energy_per_request_j")["gauge"]["dataPoints"][0]["asDouble"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_refusal_is_told() {
    let (url, _) = server(|_| (403, json!({"message": "not you"})));
    let output = edge_eval().arg("push").arg(&RUN.1).args(["--mlflow", &url]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("answered 403: {\"message\":\"not you\"}"));
    let output = edge_eval().arg("push").arg(&RUN.1).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("nowhere to push to"));
}
