//! What commonly goes wrong when a server's latency is measured, one test each, against a mock of known truth. Bounds are those of the
//! script, which the mock never undercuts, and not of the machine.

use load::{
    Body, Due, Job, Limits, Prompt, Run, Sampling, Silent, Summary, closed_loop,
    mock::{Mock, Script},
    prefix_cache, run, summarise,
};
use units::{Nanos, Reading, Seconds};

/// Two stamps of one instant may differ by so much, in milliseconds: wall clock and monotonic clock are read one after the other.
const CLOCKS_MS: f64 = 0.1;

fn mock(script: &str) -> Mock {
    Mock::start(Script::parse(script).unwrap()).unwrap()
}

fn job(mock: &Mock, requests: usize, streams: u32, tokens: u32) -> Job {
    let prompt = |index| Prompt { item: format!("r{index}"), body: Body::Text(format!("r{index} one two")), max_tokens: tokens };
    Job {
        url: mock.url(),
        model: "mock".into(),
        warmup: vec![],
        drain: false,
        prompts: (0..requests).map(prompt).collect(),
        arrivals: closed_loop(requests).collect(),
        streams,
        max_streams: None,
        sampling: Sampling { temperature: None, seed: None, ignore_eos: true },
        timeout: Seconds(20.0),
        api_key: None,
    }
}

fn summed(job: &Job) -> (Run, Summary) {
    let run = run(job, &Silent).unwrap();
    let summary = summarise(&run, &Limits::default());
    (run, summary)
}

#[test]
fn coordinated_omission_latency_from_the_due_time_holds_the_queue_and_nothing_is_dropped() {
    let mock = mock("[answer]\nttft_ms = 10\nitl_ms = 0\n");
    // Six requests due at once, and one stream to carry them.
    let queued = Job { arrivals: vec![Due::After(Nanos(0)); 6], max_streams: Some(1), ..job(&mock, 6, 1, 1) };
    let (run, seen) = summed(&queued);
    assert_eq!((run.requests.len(), seen.requests_ok, run.connections_opened_in_window), (6, 6, 0));
    for (place, request) in (1_u32..).zip(&run.requests) {
        assert_eq!(request.due, run.window.0);
        let ttft_ms = request.first_content.unwrap().since(request.due).get() * 1e3;
        assert!(ttft_ms >= f64::from(place) * (10.0 - CLOCKS_MS), "{place}: {ttft_ms}");
    }
    // The mean wait in the queue is 0, 10, … 50 ms; sending alone would hide it.
    let hidden = seen.ttft_ms.mean.unwrap() - seen.ttft_from_sent_ms.mean.unwrap();
    assert!(hidden >= 25.0 - 6.0 * CLOCKS_MS, "{hidden}");
    assert!((seen.lateness_ms.mean.unwrap() - hidden).abs() < 1e-6);
}

#[test]
fn client_bottleneck_connections_are_open_before_the_window_and_the_clients_own_lags_are_told() {
    let mock = mock("threads = 2\n[answer]\nttft_ms = 2\nitl_ms = 1\n");
    let (run, seen) = summed(&job(&mock, 128, 64, 4));
    assert_eq!((seen.came.connections_before, seen.came.connections_in_window, mock.truth().connections), (64, 0, 64));
    assert_eq!((seen.came.peak_concurrency, seen.lateness_ms.n), (64, 128));
    assert!(run.requests.iter().take(64).all(|request| request.due == run.window.0));
    assert!(seen.read_lag_ms.n > 0 && seen.read_lag_ms.mean.is_some() && seen.read_lag_ms.max.is_some(), "{:?}", seen.read_lag_ms);
}

#[test]
fn tokens_are_not_chunks() {
    let mock = mock("[answer]\nttft_ms = 2\nitl_ms = 1\ntokens_per_event = 4\n");
    let (_, seen) = summed(&job(&mock, 6, 2, 12));
    assert_eq!((seen.completion_tokens, seen.chunks_are_not_tokens), (Some(72), 6));
    assert_eq!((seen.inter_chunk_ms.n, seen.itl_ms.n), (6 * 2, 6 * 8));
    let (chunk, token) = (seen.inter_chunk_ms.mean.unwrap(), seen.itl_ms.mean.unwrap());
    assert!((chunk / token - 4.0).abs() < 1e-9, "{chunk} {token}");
}

#[test]
fn a_role_is_not_the_first_token() {
    let mock = mock("[answer]\nttft_ms = 20\nitl_ms = 10\nrole_after_ms = 1\nreasoning_tokens = 2\n");
    let (run, seen) = summed(&Job { prompts: vec![chat(); 3], ..job(&mock, 3, 1, 4) });
    assert!(seen.ttft_from_sent_ms.mean.unwrap() >= 20.0 - CLOCKS_MS, "{:?}", seen.ttft_from_sent_ms);
    for request in &run.requests {
        let order = [request.first_event, request.first_content, request.first_answer].map(Option::unwrap);
        assert!(order.is_sorted_by(|a, b| a < b), "{order:?}");
    }
}

fn chat() -> Prompt {
    let message = load::Message { role: "user".into(), content: "why is that".into() };
    Prompt { item: "r".into(), body: Body::Messages(vec![message]), max_tokens: 4 }
}

#[test]
fn the_time_to_the_first_token_is_not_in_the_time_per_output_token() {
    let mock = mock("[answer]\nttft_ms = 60\nitl_ms = 2\n");
    let (run, seen) = summed(&job(&mock, 2, 1, 4));
    for request in &run.requests {
        let (first, whole) = (request.first_content.unwrap(), request.end.since(request.due).get() * 1e3);
        assert!(whole >= 66.0 - CLOCKS_MS);
        assert!(request.end.since(first).get() * 1e3 <= whole - 60.0 + CLOCKS_MS);
    }
    let spans = run.requests.iter().map(|request| request.end.since(request.first_content.unwrap()).get() * 1e3 / 3.0);
    assert!((seen.tpot_ms.mean.unwrap() - spans.sum::<f64>() / 2.0).abs() < 1e-6);
    assert_eq!((seen.itl_ms.n, seen.tpot_ms.n), (6, 2));
}

#[test]
fn the_warm_up_runs_at_the_measured_load_before_the_window_and_is_credited_by_tokens() {
    // The second request is slow: the window opens while it runs, and a part of its tokens is the window's.
    let mock = mock("[answer]\nttft_ms = 4\nitl_ms = 5\n[[rule]]\nrequests = [1]\nanswer = { itl_ms = 30 }\n");
    let warm = |index| Prompt { item: format!("w{index}"), body: Body::Text(format!("w{index} one two")), max_tokens: 4 };
    let job = Job { warmup: (0..4).map(warm).collect(), ..job(&mock, 12, 4, 4) };
    let (run, seen) = summed(&job);
    let (start, end) = run.window;
    let ended: Vec<Nanos> = run.warmup.iter().map(|request| request.end).collect();
    assert!(ended.iter().any(|end| *end <= start) && ended.iter().any(|end| *end > start), "{ended:?} {start}");
    assert!(run.requests.iter().all(|request| request.due >= start) && seen.came.peak_concurrency == 4);
    let times = run.requests.iter().chain(&run.warmup).flat_map(|request| &request.content_times);
    let within = times.filter(|at| (start..=end).contains(*at)).count();
    assert!(within > 48 && within < 64, "{within}");
    assert!((seen.throughput_tok_s.unwrap() * seen.window_s - within as f64).abs() < 1e-6);
    assert_eq!(seen.completion_tokens, Some(48));
}

#[test]
fn hits_of_a_prefix_cache_are_read_from_the_server_and_flagged_above_one_in_a_hundred() {
    for (cached, flagged) in [(1, false), (2, true)] {
        let mock = mock(&format!("[answer]\nttft_ms = 1\nitl_ms = 0\nprompt_tokens = 100\ncached_tokens = {cached}\n"));
        let before = prefix_cache::before(&mock.url(), None);
        let (run, seen) = summed(&job(&mock, 4, 2, 2));
        let whole = prefix_cache::after(&before, &mock.url(), None, &run);
        assert_eq!((whole.share(), seen.prefix_cache.share()), (Reading::Known(f64::from(cached) / 100.0), whole.share()));
        assert_eq!((whole.flagged, seen.prefix_cache.flagged), (flagged, flagged));
        assert_eq!(whole.by_metrics.known().unwrap().source, "vllm:prefix_cache_hits_total");
    }
}

#[test]
fn a_failed_request_is_a_failure_and_no_fast_one() {
    let mock = mock("[answer]\nttft_ms = 20\nitl_ms = 0\n[[rule]]\nevery = 3\nanswer = { status = 429 }\n");
    let (run, seen) = summed(&job(&mock, 9, 1, 1));
    assert_eq!((seen.requests_ok, seen.requests_failed, seen.failures["status: 429"]), (6, 3, 3));
    assert_eq!((seen.ttft_ms.n, seen.e2e_ms.n, run.all_failed()), (6, 6, None));
    assert!(seen.ttft_ms.mean.unwrap() >= 20.0 - CLOCKS_MS && seen.e2e_ms.p50.unwrap() >= 20.0 - CLOCKS_MS, "{seen:?}");
}
