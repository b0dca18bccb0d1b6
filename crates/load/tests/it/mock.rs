//! The mock as any client sees it, over a plain socket: what it says, and that its truth is what it did.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use load::mock::{Mock, Script, Truth};
use proptest::prelude::*;
use record::clock;
use units::Nanos;

fn start(script: &str) -> Mock {
    Mock::start(Script::parse(script).unwrap()).unwrap()
}

fn connect(mock: &Mock) -> TcpStream {
    let socket = TcpStream::connect(mock.address()).unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    socket
}

fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: m\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

/// Sends bytes and takes all that comes until the connection ends.
fn ask(mock: &Mock, bytes: &[u8]) -> String {
    let mut socket = connect(mock);
    socket.write_all(bytes).unwrap();
    let mut said = Vec::new();
    // A reset is an end as well.
    let _ = socket.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

fn get(mock: &Mock, path: &str) -> String {
    ask(mock, format!("GET {path} HTTP/1.1\r\nconnection: close\r\n\r\n").as_bytes())
}

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"17 how are you"}],"max_tokens":3,"stream":true,"stream_options":{"include_usage":true}}"#;

fn chat(mock: &Mock) -> String {
    ask(mock, post("/v1/chat/completions", CHAT).as_bytes())
}

const FAST: &str = "[answer]\nttft_ms = 2\nitl_ms = 1\n";

#[test]
fn a_streamed_chat_is_as_openai_would_send_it_and_its_truth_is_found() {
    let mock = start(FAST);
    let before = clock::now();
    let said = chat(&mock);
    let after = clock::now();
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n") && said.contains("text/event-stream"), "{said}");
    for part in [" river", " market", " winter", "\"finish_reason\":\"length\"", "\"completion_tokens\":3", "data: [DONE]"] {
        assert_eq!(said.matches(part).count(), 1, "{part}: {said}");
    }
    let truth = mock.truth();
    let served = &truth.requests[0];
    assert_eq!((served.index, served.tag.as_str(), served.tokens, served.whole), (0, "17", 3, true));
    assert_eq!((served.written.len(), served.scheduled.len(), truth.connections), (3, 3, 1));
    let order = [&[before, served.arrived, served.headers.unwrap()], &served.written[..], &[served.ended, after]].concat();
    assert!(order.is_sorted(), "{order:?}");
    assert!(served.scheduled.iter().zip(&served.written).all(|(due, at)| due <= at), "nothing is written before it is due");
    assert_eq!(served.scheduled[0], Nanos(served.arrived.get() + 2_000_000));
}

#[test]
fn text_completions_and_answers_in_one_piece() {
    let mock = start(FAST);
    let said = ask(&mock, post("/v1/completions", r#"{"prompt":[9,8],"max_tokens":2,"stream":true}"#).as_bytes());
    assert!(said.contains("\"text\":\" market\"") && !said.contains("usage"), "{said}");
    let said = ask(&mock, post("/v1/completions", r#"{"prompt":"a b c","max_tokens":2}"#).as_bytes());
    assert!(said.contains("\"text\":\" river market\"") && said.contains("\"prompt_tokens\":3"), "{said}");
    assert!(!said.contains("chunked"), "{said}");
    assert_eq!(mock.truth().requests[0].tag, "9");
}

#[test]
fn a_connection_is_kept_and_requests_that_came_early_wait_their_turn() {
    let mock = start("threads = 2\n[answer]\nttft_ms = 1\nitl_ms = 0\n");
    let kept = post("/v1/chat/completions", CHAT).replace("connection: close\r\n", "");
    let said = ask(&mock, (kept.clone() + &kept + &post("/v1/chat/completions", CHAT)).as_bytes());
    assert_eq!((said.matches("HTTP/1.1 200 OK").count(), said.matches("[DONE]").count()), (3, 3));
    let truth = mock.truth();
    assert_eq!((truth.requests.len(), truth.connections), (3, 1));
    assert!(truth.requests.windows(2).all(|pair| pair[0].ended <= pair[1].written[0]));
}

#[test]
fn other_pages_and_what_is_not_there() {
    let mock = start("model = 'a \"model\"'\n[answer]\nttft_ms = 0\nitl_ms = 0\nprompt_tokens = 100\ncached_tokens = 30\n");
    chat(&mock);
    assert!(get(&mock, "/v1/models").contains(r#""id":"a \"model\"""#));
    assert!(get(&mock, "/health").starts_with("HTTP/1.1 200 OK"));
    let metrics = get(&mock, "/metrics");
    assert!(metrics.contains("vllm:prefix_cache_queries_total{model_name=\"a \\\"model\\\"\"} 100.0"), "{metrics}");
    assert!(metrics.contains("vllm:prefix_cache_hits_total") && metrics.contains(" 30.0"), "{metrics}");
    assert!(get(&mock, "/nothing").starts_with("HTTP/1.1 404 "));
    assert!(get(&mock, "/v1/chat/completions").starts_with("HTTP/1.1 405 "));
    assert!(ask(&mock, post("/v1/chat/completions", "{").as_bytes()).starts_with("HTTP/1.1 400 "));
    assert!(get(&mock, "/truth").contains("\"tag\":\"17\""));
    assert!(ask(&mock, post("/truth/reset", "").as_bytes()).starts_with("HTTP/1.1 200 OK"));
    assert_eq!(mock.truth().requests, []);
}

#[test]
fn a_mock_without_a_prefix_cache_tells_of_none() {
    let mock = start(FAST);
    assert!(!get(&mock, "/metrics").contains("prefix_cache"));
}

#[test]
fn every_nth_request_is_refused() {
    let mock = start("[answer]\nttft_ms = 0\nitl_ms = 0\n[[rule]]\nevery = 3\nanswer = { status = 429 }\n");
    let refused: Vec<bool> = (0..6).map(|_| chat(&mock).starts_with("HTTP/1.1 429 Too Many Requests\r\n")).collect();
    assert_eq!(refused, [false, false, true, false, false, true]);
    let faults: Vec<usize> = mock.truth().requests.iter().map(|served| served.faults.len()).collect();
    assert_eq!(faults, [0, 0, 1, 0, 0, 1]);
}

#[test]
fn faults_are_seen_by_the_client_and_stand_in_the_truth() {
    let check = |fault: &str, seen: fn(&str) -> bool| {
        let mock = start(&format!("[answer]\nttft_ms = 1\nitl_ms = 0\n{fault}\n"));
        let said = chat(&mock);
        assert!(seen(&said), "{fault}: {said}");
        let truth = mock.stop().truth;
        assert_eq!(truth.requests[0].faults.len(), 1, "{fault}");
    };
    check("close_after_events = 1", |said| said.contains(" river") && !said.contains(" market") && !said.contains("0\r\n\r\n"));
    check("reset_after_events = 2", |said| said.contains(" market") && !said.contains(" winter"));
    check("half_event = true", |said| said.contains(" market") && !said.contains("[DONE]"));
    check("malformed_event = 1", |said| said.contains(" market\n\n") && said.contains("[DONE]"));
    check("garbage = true", |said| said.starts_with("SSH-"));
    check("content_type = 'text/html'", |said| said.contains("content-type: text/html\r\n"));
    check("usage = 'lying'", |said| said.contains("\"completion_tokens\":7"));
    check("usage = 'missing'", |said| !said.contains("usage"));
}

#[test]
fn an_answer_that_never_ends_is_cut_short_by_stopping() {
    let mock = start("[answer]\nttft_ms = 0\nitl_ms = 0\nnever_ends = true\n");
    let mut socket = connect(&mock);
    socket.write_all(post("/v1/chat/completions", CHAT).as_bytes()).unwrap();
    let mut said = Vec::new();
    while !String::from_utf8_lossy(&said).contains(" winter") {
        let mut piece = [0; 1024];
        let length = socket.read(&mut piece).unwrap();
        said.extend(&piece[..length]);
    }
    let Truth { requests, .. } = mock.stop().truth;
    assert_eq!((requests[0].tokens, requests[0].whole), (3, false));
}

#[test]
fn a_client_that_goes_away_leaves_its_truth() {
    let mock = start("[answer]\nttft_ms = 60000\n");
    let mut socket = connect(&mock);
    socket.write_all(post("/v1/chat/completions", CHAT).as_bytes()).unwrap();
    let mut head = [0; 16];
    socket.read_exact(&mut head).unwrap();
    drop(socket);
    while mock.truth().requests.is_empty() {
        std::thread::yield_now();
    }
    let truth = mock.stop().truth;
    assert_eq!((truth.requests[0].written.len(), truth.requests[0].whole), (0, false));
}

#[test]
fn a_port_that_is_taken_is_an_error_with_a_hint() {
    let mock = start(FAST);
    let error = Mock::start(Script { port: mock.address().port(), ..Script::default() }).unwrap_err();
    assert!(error.hint().is_some() && error.to_string().starts_with("mock server: "), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// One server for hostile bytes of all kinds; it must still answer a good request after each.
    #[test]
    fn hostile_requests_end_no_thread(
        junk in proptest::collection::vec(any::<u8>(), 0..200),
        front in prop_oneof![
            Just(""), Just("POST /v1/completions HTTP/1.1\r\ncontent-length: 9\r\n\r\n"),
            Just("POST /v1/chat/completions HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"),
            Just("GET /truth HTTP/1.1\r\n"),
        ],
    ) {
        let mock = start("[answer]\nttft_ms = 0\nitl_ms = 0\n");
        let mut socket = connect(&mock);
        let _ = socket.write_all(front.as_bytes()).and_then(|()| socket.write_all(&junk));
        let _ = socket.shutdown(std::net::Shutdown::Write);
        let _ = socket.read_to_end(&mut Vec::new());
        prop_assert!(chat(&mock).contains("[DONE]"));
    }
}
