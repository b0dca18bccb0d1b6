//! `edge-eval mock` and `edge-eval calibrate` as a user runs them.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::Stdio,
};

use serde_json::Value;

use crate::edge_eval;

fn told(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_mock_prints_its_address_serves_and_leaves_its_truth_when_it_is_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let truth = folder.path().join("truth.jsonl");
    let mut mock = edge_eval()
        .args(["mock", "--ttft", "uniform:1:2", "--itl-ms", "0", "--threads", "2", "--truth"])
        .arg(&truth)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(mock.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("http://").unwrap().to_owned();
    let mut socket = TcpStream::connect(address).unwrap();
    let body = r#"{"prompt":"tag one two","max_tokens":3,"stream":true}"#;
    let request = format!("POST /v1/completions HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("[DONE]"), "{answer}");
    let pid = rustix::process::Pid::from_child(&mock);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ended = mock.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", told(&ended.stderr));
    assert!(told(&ended.stderr).contains("1 requests, 1 answered whole, 1 connections"), "{}", told(&ended.stderr));
    let line: Value = serde_json::from_str(std::fs::read_to_string(truth).unwrap().trim_end()).unwrap();
    assert_eq!((line["tag"].as_str(), line["tokens"].as_u64()), (Some("tag"), Some(3)));
}

#[test]
fn a_bad_script_is_told_with_the_known_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script.toml");
    std::fs::write(&path, "[answer]\nttfd_ms = 5\n").unwrap();
    let ended = edge_eval().args(["mock", "--script"]).arg(&path).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let said = told(&ended.stderr);
    assert!(said.contains("script.toml") && said.contains("ttfd_ms") && said.contains("`itl_ms`") && said.contains("hint: "), "{said}");
}

#[test]
fn a_calibration_is_kept_and_doctor_tells_it() {
    let cache = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| edge_eval().args(args).env("XDG_CACHE_HOME", cache.path()).output().unwrap();
    let before = run(&["doctor"]);
    assert!(told(&before.stdout).contains("not calibrated on this machine: edge-eval calibrate"));
    let ended = run(&["calibrate", "--quick", "--streams", "1", "--requests-per-stream", "1", "--json"]);
    // On a machine that is busy with other things it may say, truly, that nothing is proven.
    assert!(matches!(ended.status.code(), Some(0 | 4)), "{}", told(&ended.stderr));
    let said: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let level = &said["certificate"]["levels"][0];
    assert_eq!((level["streams"].as_u64(), level["seen"]["value"]["unmatched"].as_u64()), (Some(1), Some(0)));
    let doctor: Value = serde_json::from_slice(&run(&["doctor", "--json"]).stdout).unwrap();
    assert_eq!(doctor["client"]["certificate"], said["certificate"]);
}
