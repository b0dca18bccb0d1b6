//! One test a way in which servers behave, well or badly.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use load::{ApiKey, Body, Due, Error, Job, Limits, Message, Observer, Prompt, Run, Sampling, Silent, hint, run, summarise};
use record::Request;
use units::{Nanos, Seconds};

use crate::fake::{Fake, ROLE, Step, chunk, end, good, head, raw, tail, token};

fn prompt(item: &str) -> Prompt {
    Prompt { item: item.into(), body: Body::Messages(vec![Message { role: "user".into(), content: item.into() }]), max_tokens: 3 }
}

fn job(url: &str, requests: usize) -> Job {
    Job {
        url: url.into(),
        model: "m".into(),
        warmup: vec![],
        drain: false,
        prompts: (0..requests).map(|index| prompt(&format!("q{index}"))).collect(),
        arrivals: vec![Due::WhenFree; requests],
        streams: 1,
        max_streams: None,
        sampling: Sampling { temperature: Some(0.0), seed: None, ignore_eos: true },
        timeout: Seconds(20.0),
        api_key: None,
    }
}

/// One request that must have failed, seen through a run in which a second one was answered well.
fn failed(script: Vec<Step>) -> Request {
    let fake = Fake::start(vec![script, good()]);
    let run = run(&job(&fake.url, 2), &Silent).unwrap();
    assert_eq!(run.requests[1].failure, None);
    assert_eq!(run.requests[1].text, "abc");
    run.requests[0].clone()
}

fn check_failure(script: Vec<Step>, expected: &str) {
    let failure = failed(script).failure.unwrap();
    assert!(failure.starts_with(expected), "{failure:?} does not begin with {expected:?}");
}

fn answered(script: Vec<Step>) -> Request {
    let fake = Fake::start(vec![script]);
    let run = run(&job(&fake.url, 1), &Silent).unwrap();
    assert_eq!(run.requests[0].failure, None);
    run.requests[0].clone()
}

#[test]
fn a_good_run_is_recorded_whole() {
    let fake = Fake::start(vec![good()]);
    let mut job = Job { streams: 2, api_key: Some(ApiKey::new("sk-1")), ..job(&fake.url, 4) };
    job.warmup = vec![prompt("w0"), prompt("w1")];
    let run = run(&job, &Silent).unwrap();
    assert_eq!((run.warmup.len(), run.requests.len()), (2, 4));
    for (index, request) in run.requests.iter().enumerate() {
        assert_eq!((request.index as usize, request.item.as_str()), (index, format!("q{index}").as_str()));
        assert_eq!((request.text.as_str(), request.events, request.content_times.len()), ("abc", 6, 3));
        assert_eq!((request.prompt_tokens, request.completion_tokens, request.status), (Some(7), Some(3), Some(200)));
        assert_eq!((request.finish_reason.as_deref(), request.failure.as_deref()), (Some("length"), None));
    }
    let seen = fake.seen.lock().unwrap();
    assert_eq!(seen.len(), 6);
    assert!(seen[0].head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", seen[0].head);
    assert!(seen[0].head.contains("authorization: Bearer sk-1\r\n"), "{}", seen[0].head);
    assert_eq!(seen[5].body["ignore_eos"], true);
    assert_eq!(seen[5].body["stream_options"]["include_usage"], true);
}

#[test]
fn connections_are_kept_and_instants_are_in_order() {
    let fake = Fake::start(vec![good()]);
    let run = run(&Job { streams: 2, ..job(&fake.url, 6) }, &Silent).unwrap();
    assert_eq!(fake.connections.load(SeqCst), 2);
    for request in &run.requests {
        let first = request.first_event.unwrap();
        let mut order = vec![run.window.0, request.due, request.sent, request.headers.unwrap(), first, request.first_content.unwrap()];
        order.extend(&request.content_times[1..]);
        order.extend([request.end, run.window.1]);
        assert!(order.is_sorted(), "{order:?}");
    }
}

#[test]
fn no_event_is_stamped_before_the_server_wrote_it() {
    let fake = Fake::start(vec![good()]);
    let run = run(&job(&fake.url, 1), &Silent).unwrap();
    let request = &run.requests[0];
    let wrote = &fake.seen.lock().unwrap()[0].writes;
    // Writes: head, role, a, b, c, tail, end.
    assert!(request.sent <= wrote[0] && wrote[0] <= request.headers.unwrap());
    assert!(wrote[1] <= request.first_event.unwrap());
    for (stamp, write) in request.content_times.iter().zip(&wrote[2..5]) {
        assert!(write <= stamp);
    }
}

#[test]
fn in_the_closed_loop_a_request_is_due_when_the_one_before_it_ended() {
    let fake = Fake::start(vec![good()]);
    let run = run(&job(&fake.url, 3), &Silent).unwrap();
    assert_eq!(run.requests[0].due, run.window.0);
    assert_eq!(run.requests[1].due, run.requests[0].end);
    assert_eq!(run.requests[2].due, run.requests[1].end);
    assert_eq!(run.window.1, run.requests[2].end);
}

#[test]
fn several_events_in_one_read_have_one_instant() {
    let all = [ROLE, &token("a"), &token("b"), &tail(2)].concat();
    let request = answered(vec![head(), Step::Nap, chunk(&all), end()]);
    assert_eq!((request.text.as_str(), request.events), ("ab", 5));
    assert_eq!(request.content_times[0], request.content_times[1]);
    assert_eq!(request.first_event, request.first_content);
}

#[test]
fn an_event_over_several_reads_has_the_instant_of_the_last() {
    let event = token("a");
    let (one, two) = event.split_at(20);
    let fake = Fake::start(vec![vec![head(), chunk(one), Step::Nap, chunk(two), Step::Nap, chunk(&tail(1)), end()]]);
    let request = run(&job(&fake.url, 1), &Silent).unwrap().requests[0].clone();
    assert_eq!((request.text.as_str(), request.failure), ("a", None));
    assert!(fake.seen.lock().unwrap()[0].writes[2] <= request.first_content.unwrap());
}

#[test]
fn an_http_chunk_may_be_torn_anywhere() {
    let Step::Write(bytes) = chunk(&[&token("a"), tail(1).as_str()].concat()) else { unreachable!() };
    let torn = bytes.chunks(7).flat_map(|piece| [Step::Write(piece.to_vec()), Step::Nap]);
    let request = answered([head()].into_iter().chain(torn).chain([end()]).collect());
    assert_eq!((request.text.as_str(), request.completion_tokens), ("a", Some(1)));
}

#[test]
fn missing_usage_is_no_failure() {
    let request = answered(vec![head(), chunk(&token("a")), chunk("data: [DONE]\n\n"), end()]);
    assert_eq!((request.completion_tokens, request.text.as_str()), (None, "a"));
}

#[test]
fn an_answer_that_ends_with_its_connection_is_whole() {
    let head = raw("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n");
    let request = answered(vec![head, raw(&token("a")), raw(&tail(1)), Step::Close]);
    assert_eq!((request.text.as_str(), request.completion_tokens), ("a", Some(1)));
}

#[test]
fn a_server_that_closes_after_each_answer_is_connected_again() {
    let head = raw("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n");
    let fake = Fake::start(vec![vec![head, raw(&token("a")), raw(&tail(1)), Step::Close]]);
    let run = run(&job(&fake.url, 4), &Silent).unwrap();
    assert!(run.requests.iter().all(|request| request.failure.is_none()), "{:?}", run.requests);
    assert_eq!(fake.connections.load(SeqCst), 4);
}

#[test]
fn failures_have_their_stable_word() {
    let refusal = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 9\r\n\r\nslow down";
    check_failure(vec![raw(refusal)], "status: 429: slow down");
    check_failure(vec![raw("HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n")], "status: 500");
    check_failure(vec![head(), chunk("data: {\"choices\": [\n\n"), end()], "malformed json: event 1");
    check_failure(vec![head(), chunk(&token("a")), Step::Close], "closed early");
    check_failure(vec![head(), chunk(&token("a")), end()], "closed early");
    check_failure(vec![Step::Close], "closed early");
    check_failure(vec![raw("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi")], "not an event stream: text/html");
    check_failure(vec![raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")], "not an event stream: no content type");
    check_failure(vec![raw("SSH-2.0-OpenSSH_9.6\r\n"), Step::Close], "not http");
}

#[test]
fn a_refused_request_keeps_its_connection() {
    let refusal = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 9\r\n\r\nslow down";
    let fake = Fake::start(vec![vec![raw(refusal)], good()]);
    let run = run(&job(&fake.url, 2), &Silent).unwrap();
    assert_eq!((run.requests[0].status, fake.connections.load(SeqCst)), (Some(429), 1));
}

#[test]
fn what_came_before_a_failure_is_kept() {
    let request = failed(vec![head(), chunk(ROLE), chunk(&token("a")), Step::Close]);
    assert_eq!((request.text.as_str(), request.content_times.len(), request.failure.as_deref()), ("a", 1, Some("closed early")));
}

#[test]
fn headers_that_never_come_are_a_timeout() {
    let fake = Fake::start(vec![vec![Step::Hang]]);
    let run = run(&Job { timeout: Seconds(0.03), ..job(&fake.url, 1) }, &Silent).unwrap();
    assert_eq!(run.all_failed().unwrap(), "all 1 requests failed (1 timeout); the first: timeout");
    assert!(run.requests[0].end.since(run.requests[0].due) >= Seconds(0.03));
}

#[test]
fn slow_headers_are_told_apart_from_the_first_token() {
    let script = vec![raw("HTTP/1.1 200 OK\r\n"), Step::Nap, raw("content-type: text/event-stream\r\n\r\n"), Step::Nap, raw(&token("a"))];
    let fake = Fake::start(vec![[script, vec![raw(&tail(1)), Step::Close]].concat()]);
    let request = run(&job(&fake.url, 1), &Silent).unwrap().requests[0].clone();
    let wrote = &fake.seen.lock().unwrap()[0].writes;
    assert_eq!((request.text.as_str(), request.failure.as_deref()), ("a", None));
    assert!(wrote[1] <= request.headers.unwrap() && request.headers.unwrap() < wrote[2], "{request:?} {wrote:?}");
    assert!(wrote[2] <= request.first_content.unwrap());
}

#[test]
fn a_stream_that_never_ends_is_a_timeout_and_keeps_its_tokens() {
    let fake = Fake::start(vec![vec![head(), chunk(&token("a")), chunk(&tail(1)), end()], vec![head(), chunk(&token("b")), Step::Hang]]);
    let run = run(&Job { timeout: Seconds(0.3), ..job(&fake.url, 2) }, &Silent).unwrap();
    let request = &run.requests[1];
    assert_eq!((request.failure.as_deref(), request.text.as_str()), (Some("timeout"), "b"));
    assert!(request.end.since(request.due) >= Seconds(0.3));
}

#[test]
fn nobody_there_is_a_run_of_failures_with_a_reason() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut job = Job { streams: 500, ..job(&format!("http://{closed}"), 10_000) };
    job.warmup = vec![prompt("w")];
    job.arrivals[9_999] = Due::After(Nanos(3_600_000_000_000));
    let seen = run(&job, &Silent).unwrap();
    assert_eq!((seen.warmup.len(), seen.requests.len()), (1, 10_000));
    let failure = seen.requests[9_999].failure.as_deref().unwrap();
    assert!(failure.starts_with("connect: connection refused") && hint(failure).is_some(), "{failure}");
    let reason = seen.all_failed().unwrap();
    assert!(reason.starts_with("all 10000 requests failed (10000 connect); the first: connect: "), "{reason}");
    assert!(matches!(seen.some_answered(), Err(error @ Error::AllFailed { .. }) if error.hint().is_some()));
}

#[test]
fn a_host_that_is_none_is_a_failure_too() {
    let seen = run(&job("http://no-such-host.invalid:1", 2), &Silent).unwrap();
    assert!(seen.all_failed().unwrap().contains("(2 connect)"));
}

#[test]
fn https_to_a_server_without_tls_says_so() {
    let fake = Fake::start(vec![good()]);
    let seen = run(&job(&fake.url.replace("http:", "https:"), 1), &Silent).unwrap();
    assert!(seen.all_failed().unwrap().contains("connect: tls: "), "{seen:?}");
}

#[test]
fn a_run_whose_every_request_failed_is_a_run_that_says_so() {
    let fake = Fake::start(vec![vec![raw("HTTP/1.1 404 Not Found\r\ncontent-length: 13\r\n\r\nno such model")]]);
    let seen = run(&job(&fake.url, 3), &Silent).unwrap();
    assert_eq!(seen.all_failed().unwrap(), "all 3 requests failed (3 status: 404); the first: status: 404: no such model");
    let error = seen.some_answered().unwrap_err();
    assert_eq!(error.hint().as_deref(), Some("check the base URL's path and the model name"));
}

#[test]
fn resets_are_a_failure_of_their_own() {
    check_failure(vec![Step::Reset], "reset");
    check_failure(vec![head(), chunk(&token("a")), Step::Nap, Step::Reset], "reset");
}

#[test]
fn a_key_that_is_said_back_is_in_no_record() {
    let refusal = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 30\r\n\r\nno such key: sk-secret-1234567";
    let fake = Fake::start(vec![vec![raw(refusal)]]);
    let seen = run(&Job { api_key: Some(ApiKey::new("sk-secret-1234567")), ..job(&fake.url, 2) }, &Silent).unwrap();
    assert_eq!(seen.requests[1].failure.as_deref(), Some("status: 401: no such key: (API key)"));
    assert!(fake.seen.lock().unwrap()[1].head.contains("sk-secret-1234567") && !format!("{seen:?}").contains("sk-secret"));
}

#[test]
fn an_answer_without_end_is_cut_off() {
    let request = failed(vec![head(), Step::Endless(format!("10000\r\n{}\r\n", "x".repeat(65_536)).into_bytes())]);
    assert_eq!(request.failure.as_deref(), Some("too large"));
    assert!(request.bytes > 1 << 20 && request.bytes < 2 << 20, "{}", request.bytes);
}

#[test]
fn headers_without_end_are_cut_off() {
    check_failure(vec![raw("HTTP/1.1 200 OK\r\n"), Step::Endless(b"x: y\r\n".repeat(100))], "not http");
}

#[test]
fn half_a_json_at_the_end_of_an_answer_is_malformed() {
    check_failure(vec![head(), chunk(&token("a")), chunk("data: {\"choices\":[{\"te"), end()], "malformed json: event 2");
    check_failure(vec![head(), chunk(&token("a")), chunk("data: {\"choices\":[{\"te"), Step::Close], "closed early");
}

#[test]
fn a_connection_closed_between_requests_is_opened_again() {
    let script = || [good(), vec![Step::CloseLater]].concat();
    let fake = Fake::start(vec![script(), script(), good()]);
    let pause = |index: u64| Due::After(Nanos(index * 40_000_000));
    let arrivals = vec![pause(0), pause(1), pause(2)];
    let seen = run(&Job { arrivals, max_streams: Some(1), ..job(&fake.url, 3) }, &Silent).unwrap();
    assert!(seen.requests.iter().all(|request| request.failure.is_none()), "{seen:?}");
    assert_eq!((fake.connections.load(SeqCst), seen.connections_opened_before, seen.connections_opened_in_window), (3, 1, 2));
}

#[test]
fn a_request_lost_with_a_kept_connection_is_put_once_more() {
    let fake = Fake::start(vec![good(), vec![Step::Close], good(), vec![Step::Reset], vec![Step::Close], good()]);
    let seen = run(&job(&fake.url, 4), &Silent).unwrap();
    let failures: Vec<_> = seen.requests.iter().map(|request| request.failure.as_deref()).collect();
    // The fourth script resets a kept connection, and the fifth closes the fresh one: that is the server's own doing.
    assert_eq!(failures, [None, None, Some("closed early"), None]);
    assert_eq!((seen.resent, fake.seen.lock().unwrap().len()), (2, 6));
}

#[test]
fn no_arrival_is_dropped_and_all_keep_their_due_time() {
    let slow = vec![head(), Step::Nap, Step::Nap, chunk(&token("a")), chunk(&tail(1)), end()];
    let fake = Fake::start(vec![slow]);
    let arrivals: Vec<Due> = (0..20).map(|index| Due::After(Nanos(index / 2 * 500_000))).collect();
    for (max_streams, most) in [(Some(3), 3), (None, 20)] {
        let seen = run(&Job { arrivals: arrivals.clone(), max_streams, ..job(&fake.url, 20) }, &Silent).unwrap();
        for (index, request) in seen.requests.iter().enumerate() {
            assert_eq!((request.index as usize, request.failure.as_deref()), (index, None));
            assert_eq!(request.due, seen.window.0 + Nanos(index as u64 / 2 * 500_000));
            assert!(request.due <= request.sent && request.sent <= request.headers.unwrap());
        }
        assert!(seen.peak_concurrency > 1 && seen.peak_concurrency <= most, "{}", seen.peak_concurrency);
        assert_eq!(seen.connections_opened_in_window + 1, seen.peak_concurrency);
    }
}

#[test]
fn the_window_opens_before_or_after_the_last_of_the_warm_up() {
    let slow = [vec![head()], vec![Step::Nap; 5], good()[1..].to_vec()].concat();
    for drain in [true, false] {
        let fake = Fake::start(vec![good(), slow.clone(), good()]);
        let mut job = Job { drain, streams: 2, ..job(&fake.url, 6) };
        job.warmup = vec![prompt("w0"), prompt("w1")];
        let seen = run(&job, &Silent).unwrap();
        let last = seen.warmup.iter().map(|request| request.end).max().unwrap();
        assert_eq!(last <= seen.window.0, drain, "{last} {:?}", seen.window);
        let first = seen.warmup.iter().map(|request| request.end).min().unwrap();
        assert!(first <= seen.window.0, "a stream has done its last of the warm-up");
        assert!(seen.requests.iter().all(|request| request.due >= seen.window.0 && request.failure.is_none()));
    }
}

#[test]
fn a_job_that_asks_for_nothing_is_refused() {
    let base = job("http://127.0.0.1:1", 1);
    for job in [
        Job { prompts: vec![], arrivals: vec![], ..base.clone() },
        Job { arrivals: vec![], ..base.clone() },
        Job { arrivals: vec![Due::After(Nanos(u64::MAX))], ..base.clone() },
        Job { streams: 2, max_streams: Some(1), ..base.clone() },
        Job { streams: 0, ..base.clone() },
        Job { timeout: Seconds(0.0), ..base.clone() },
        Job { timeout: Seconds(f64::NAN), ..base.clone() },
        Job { timeout: Seconds(f64::INFINITY), ..base.clone() },
        Job { api_key: Some(ApiKey::new("a\nb")), ..base.clone() },
    ] {
        assert!(matches!(run(&job, &Silent), Err(Error::Job { .. })), "{job:?}");
    }
}

#[test]
fn an_observer_sees_the_window_and_every_answer() {
    #[derive(Default)]
    struct Watch {
        marks: Mutex<Vec<Nanos>>,
        answered: AtomicUsize,
    }
    impl Observer for Watch {
        fn window_opened(&self, at: Nanos) {
            self.marks.lock().unwrap().push(at);
        }
        fn answered(&self, failed: bool) {
            self.answered.fetch_add(if failed { 100 } else { 1 }, SeqCst);
        }
        fn window_closed(&self, at: Nanos) {
            self.marks.lock().unwrap().push(at);
        }
    }
    let fake = Fake::start(vec![vec![Step::Close], good()]);
    let watch = Watch::default();
    let Run { window, .. } = run(&job(&fake.url, 3), &watch).unwrap();
    assert_eq!(*watch.marks.lock().unwrap(), [window.0, window.1]);
    assert_eq!(watch.answered.load(SeqCst), 102);
}

#[test]
fn the_summary_of_a_run_of_known_truth() {
    let fake = Fake::start(vec![good()]);
    let seen = run(&Job { streams: 4, ..job(&fake.url, 8) }, &Silent).unwrap();
    let summary = summarise(&seen, &Limits::default());
    assert_eq!((summary.requests_ok, summary.requests_failed, summary.completion_tokens), (8, 0, Some(24)));
    assert_eq!((summary.itl_ms.n, summary.chunks_are_not_tokens), (16, 0));
    let json = serde_json::to_value(&summary).unwrap();
    assert!(json["ttft_ms"]["p50"].is_f64() && json["ttft_ms"]["p99"].is_null() && json["missing"]["p99"].is_string());
}
