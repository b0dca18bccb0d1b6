//! The client beside the mock's truth: what `calibrate` rests on. Nothing here asserts how fast the machine is.

use load::{
    Body, Due, Job, Prompt, Run, Sampling, Silent,
    calibrate::{Course, Unwatched, calibrate},
    mock::{Mock, Script, Served, Truth},
    run,
};
use record::Request;
use units::{Nanos, Reading, Seconds};

/// Runs `requests` requests of `tokens` tokens against a mock; what the client saw, and the truth.
fn measured(script: &str, requests: u32, tokens: u32) -> (Run, Truth) {
    let mock = Mock::start(Script::parse(script).unwrap()).unwrap();
    let prompt = |index: u32| Prompt { item: format!("r{index}"), body: Body::Text(format!("r{index} one two")), max_tokens: tokens };
    let job = Job {
        url: mock.url(),
        model: "mock".into(),
        warmup: vec![],
        drain: false,
        prompts: (0..requests).map(prompt).collect(),
        arrivals: vec![Due::WhenFree; requests as usize],
        streams: 4.min(requests),
        max_streams: None,
        sampling: Sampling { temperature: None, seed: None, ignore_eos: true },
        timeout: Seconds(20.0),
        api_key: None,
    };
    let run = run(&job, &Silent).unwrap();
    (run, mock.stop().truth)
}

/// Each request with its truth.
fn pairs<'a>(run: &'a Run, truth: &'a Truth) -> Vec<(&'a Request, &'a Served)> {
    let of = |request: &'a Request| (request, truth.requests.iter().find(|served| served.tag == request.item).unwrap());
    run.requests.iter().map(of).collect()
}

const FAST: &str = "[answer]\nttft_ms = 2\nitl_ms = 1\n";

/// Two stamps of one instant may differ by so much: wall clock and monotonic clock are read one after the other.
const CLOCKS: u64 = 100_000;

#[test]
fn no_stamp_is_before_the_truth_and_every_token_is_counted() {
    let (run, truth) = measured("threads = 2\n[answer]\nttft_ms = 'uniform:1:5'\nitl_ms = 'exponential:1'\n", 12, 8);
    for (request, served) in pairs(&run, &truth) {
        assert_eq!((request.failure.as_deref(), request.content_times.len(), served.written.len()), (None, 8, 8));
        assert_eq!((request.completion_tokens, request.prompt_tokens), (Some(8), Some(3)));
        assert!(request.sent <= Nanos(served.arrived.get() + CLOCKS));
        for (seen, written) in request.content_times.iter().zip(&served.written) {
            assert!(Nanos(seen.get() + CLOCKS) >= *written, "{seen} is before {written}");
        }
    }
}

#[test]
fn a_role_alone_is_the_first_event_and_not_the_first_token() {
    let (run, truth) = measured("[answer]\nttft_ms = 30\nitl_ms = 1\nrole_after_ms = 1\n", 4, 3);
    for (request, served) in pairs(&run, &truth) {
        let (first_event, first_content) = (request.first_event.unwrap(), request.first_content.unwrap());
        assert!(first_content.since(first_event) > Seconds(0.01), "29 ms lie between them");
        assert!(Nanos(first_content.get() + CLOCKS) >= served.written[0] && served.role.unwrap() < served.written[0]);
        assert_eq!(request.content_times.len(), 3);
    }
}

#[test]
fn reasoning_is_content_and_the_answer_begins_after_it() {
    let mock = Mock::start(Script::parse("[answer]\nttft_ms = 1\nitl_ms = 20\nreasoning_tokens = 2\n").unwrap()).unwrap();
    let body = Body::Messages(vec![load::Message { role: "user".into(), content: "r0 why".into() }]);
    let job = Job {
        url: mock.url(),
        model: "mock".into(),
        warmup: vec![],
        drain: false,
        prompts: vec![Prompt { item: "r0".into(), body, max_tokens: 4 }],
        arrivals: vec![Due::WhenFree],
        streams: 1,
        max_streams: None,
        sampling: Sampling { temperature: None, seed: None, ignore_eos: true },
        timeout: Seconds(20.0),
        api_key: None,
    };
    let run = run(&job, &Silent).unwrap();
    let request = &run.requests[0];
    assert_eq!(request.first_content, Some(request.content_times[0]));
    assert_eq!(request.first_answer, Some(request.content_times[2]));
    assert_eq!(mock.stop().truth.requests[0].reasoning_tokens, 2);
}

#[test]
fn coalesced_events_have_one_instant_and_several_tokens_an_event_are_counted_by_usage() {
    let (run, truth) = measured("[answer]\nttft_ms = 2\nitl_ms = 1\nevents_per_write = 4\n", 2, 8);
    for (request, served) in pairs(&run, &truth) {
        assert_eq!((request.content_times.len(), request.completion_tokens), (8, Some(8)));
        assert_eq!(served.written[0], served.written[3]);
        assert_eq!(request.content_times[0], request.content_times[3]);
    }
    let (run, truth) = measured("[answer]\nttft_ms = 2\nitl_ms = 1\ntokens_per_event = 4\n", 2, 10);
    for (request, served) in pairs(&run, &truth) {
        assert_eq!((request.content_times.len(), served.written.len(), request.completion_tokens, served.tokens), (3, 3, Some(10), 10));
    }
}

#[test]
fn usage_that_is_missing_or_lies_is_recorded_as_it_came() {
    let (run, _) = measured(&(FAST.to_owned() + "usage = 'missing'\n"), 2, 3);
    assert!(run.requests.iter().all(|request| request.completion_tokens.is_none() && request.failure.is_none()));
    let (run, truth) = measured(&(FAST.to_owned() + "usage = 'lying'\ncached_tokens = 2\n"), 2, 3);
    assert!(run.requests.iter().all(|request| request.completion_tokens == Some(7) && request.content_times.len() == 3));
    assert!(run.requests.iter().all(|request| request.cached_tokens == Some(2)));
    assert!(truth.requests.iter().all(|served| served.tokens == 3));
}

#[test]
fn refusals_are_counted_as_many_as_there_truly_were() {
    let (run, truth) = measured(&(FAST.to_owned() + "[[rule]]\nevery = 3\nanswer = { status = 429 }\n"), 12, 2);
    let refused = run.requests.iter().filter(|request| request.status == Some(429)).count();
    assert_eq!((refused, run.requests.iter().filter(|request| request.failure.is_some()).count()), (4, 4));
    for (request, served) in pairs(&run, &truth) {
        assert_eq!(request.failure.is_some(), served.faults == ["status: 429"], "{request:?}");
        assert_eq!(request.content_times.len(), served.written.len());
    }
}

#[test]
fn every_scripted_fault_is_a_counted_failure_in_a_run_that_ends() {
    for (fault, word) in [
        ("close_after_events = 1", "closed early"),
        ("reset_after_events = 1", "reset"),
        ("half_event = true", "closed early"),
        ("malformed_event = 1", "malformed json"),
        ("garbage = true", "not http"),
        ("content_type = 'text/html'", "not an event stream"),
        ("status = 500", "status: 500"),
    ] {
        let (run, truth) = measured(&format!("{FAST}[[rule]]\nrequests = [0]\n[rule.answer]\n{fault}\n"), 3, 3);
        let failures: Vec<&str> = run.requests.iter().filter_map(|request| request.failure.as_deref()).collect();
        assert!(failures.len() == 1 && failures[0].starts_with(word), "{fault}: {failures:?}");
        assert_eq!(truth.requests.iter().filter(|served| !served.faults.is_empty()).count(), 1, "{fault}");
    }
}

#[test]
fn a_small_calibration_matches_every_request() {
    let course = Course {
        streams: vec![1, 4],
        requests_per_stream: 1,
        tries: 1,
        open_rate: 100.0,
        open_requests: 10,
        ceiling_streams: vec![2],
        ceiling_events: 4000,
        server_threads: 2,
        quick: true,
    };
    let certificate = calibrate(&course, "0.0.0", &Unwatched);
    assert_eq!(certificate.levels.len(), 2);
    for seen in certificate.levels.iter().map(|level| &level.seen).chain([&certificate.open.seen]) {
        let Reading::Known(seen) = seen else { panic!("{seen:?}") };
        assert_eq!(seen.unmatched, 0);
        assert!(seen.true_ttft >= Seconds(0.05) && seen.true_itl > Seconds(0.009));
    }
    assert!(certificate.ceiling.known().unwrap().events_per_s > 0.0);
}

#[test]
fn a_level_beyond_the_systems_limits_is_missing_with_its_reason() {
    let course = Course { streams: vec![u32::MAX], open_requests: 1, ceiling_streams: vec![], requests_per_stream: 1, ..Course::quick(1) };
    let certificate = calibrate(&course, "0.0.0", &Unwatched);
    let why = certificate.levels[0].seen.known().unwrap_err();
    assert!(why.to_string().contains("file descriptors"), "{why}");
    assert!(certificate.truthful().known().is_err());
}
