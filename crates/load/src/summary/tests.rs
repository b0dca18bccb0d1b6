//! Known answers, and what a summary says of them.

use record::Request;
use units::{Nanos, Reading};

use super::*;

fn answer(due: u64, content_ms: &[u64], tokens: Option<u32>) -> Request {
    let at = |ms: u64| Nanos(due + ms * 1_000_000);
    Request {
        due: Nanos(due),
        sent: at(1),
        first_content: content_ms.first().map(|ms| at(*ms)),
        content_times: content_ms.iter().map(|ms| at(*ms)).collect(),
        end: at(content_ms.last().copied().unwrap_or(0)),
        completion_tokens: tokens,
        ..Request::default()
    }
}

fn run(requests: Vec<Request>) -> Run {
    Run { requests, window: (Nanos(0), Nanos(1_000_000_000)), ..Run::default() }
}

fn summary(requests: Vec<Request>) -> Summary {
    summarise(&run(requests), &Limits::default())
}

fn close(found: Option<f64>, expected: f64) {
    assert!((found.unwrap() - expected).abs() < 1e-9, "{found:?} is not {expected}");
}

#[test]
fn latencies_of_known_answers() {
    let seen = summary(vec![answer(0, &[50, 60, 80], Some(3)), answer(0, &[70, 80], Some(2))]);
    close(seen.ttft_ms.mean, 60.0);
    close(seen.ttft_from_sent_ms.mean, 59.0);
    close(seen.itl_ms.mean, 40.0 / 3.0);
    close(seen.tpot_ms.mean, 12.5);
    close(seen.e2e_ms.p50, 80.0);
    close(seen.lateness_ms.mean, 1.0);
    close(seen.throughput_tok_s, 5.0);
}

#[test]
fn several_tokens_in_one_event_are_normalised() {
    // Three tokens an event, 30 ms apart: 10 ms a token, though the first event brought three at once.
    let seen = summary(vec![answer(0, &[10, 40, 70], Some(9))]);
    close(seen.itl_ms.mean, 10.0);
    assert_eq!((seen.itl_ms.n, seen.chunks_are_not_tokens), (6, 1));
    // The first token alone, then three an event.
    close(summary(vec![answer(0, &[10, 40, 70], Some(7))]).itl_ms.mean, 10.0);
    close(seen.inter_chunk_ms.mean, 30.0);
}

#[test]
fn the_end_of_text_token_is_no_mismatch() {
    let seen = summary(vec![answer(0, &[10, 20, 30], Some(4))]);
    assert_eq!((seen.itl_ms.n, seen.chunks_are_not_tokens), (2, 0));
}

#[test]
fn failures_are_counted_and_in_no_latency() {
    let failed = Request { failure: Some("status: 429: slow down".into()), ..answer(0, &[900], Some(1)) };
    let seen = summary(vec![answer(0, &[50, 60], Some(2)), failed]);
    close(seen.ttft_ms.mean, 50.0);
    assert_eq!((seen.requests_ok, seen.requests_failed, seen.failures["status: 429"]), (1, 1, 1));
}

#[test]
fn no_p99_from_under_a_thousand_requests() {
    let few = summary(vec![answer(0, &[50, 60], Some(2)); 999]);
    assert_eq!(few.ttft_ms.p99, None);
    assert_eq!(few.missing["p99"], "999 requests are under 1000");
    let enough = summary(vec![answer(0, &[50, 60], Some(2)); 1000]);
    close(enough.ttft_ms.p99, 50.0);
    assert!(!enough.missing.contains_key("p99"), "{:?}", enough.missing);
}

#[test]
fn no_p99_of_a_latency_that_too_few_of_a_thousand_have() {
    let mut answers = vec![answer(0, &[50], Some(1)); 999];
    answers.push(answer(0, &[50, 60], Some(2)));
    let seen = summary(answers);
    assert_eq!((seen.ttft_ms.p99, seen.tpot_ms.n, seen.tpot_ms.p99, seen.itl_ms.p99), (Some(50.0), 1, None, None));
    assert_eq!(seen.missing["tpot_ms.p99"], "fewer than 1000 requests have such a latency");
    assert!(!seen.missing.contains_key("ttft_ms.p99") && seen.missing.contains_key("itl_ms.p99"), "{:?}", seen.missing);
}

#[test]
fn every_latency_has_its_definition() {
    let json = serde_json::to_value(summary(vec![answer(0, &[50, 60], Some(2))])).unwrap();
    let defined = |name: &str| DEFINITIONS.iter().any(|(defined, meaning)| *defined == name || meaning.contains(name));
    let latencies: Vec<&String> = json.as_object().unwrap().keys().filter(|name| name.ends_with("_ms")).collect();
    assert!(latencies.len() > 7 && latencies.iter().all(|name| defined(name)), "{latencies:?}");
}

#[test]
fn without_usage_tokens_are_not_guessed_from_chunks() {
    let seen = summary(vec![answer(0, &[50, 60], None), answer(0, &[50, 60], Some(2))]);
    assert_eq!((seen.throughput_tok_s, seen.itl_ms.n, seen.inter_chunk_ms.n, seen.usage_missing), (None, 1, 2, 1));
    assert_eq!(seen.missing["throughput_tok_s"], "1 of 2 answers told no usage");
}

#[test]
fn a_lying_token_count_does_not_fill_the_memory() {
    let seen = summary(vec![answer(0, &[50, 60], Some(u32::MAX))]);
    assert_eq!(seen.itl_ms.n, 1 << 20);
    // A thousand such answers are not pooled at all.
    let many = summary(vec![answer(0, &[50, 60], Some(u32::MAX)); 100]);
    assert_eq!((many.itl_ms.n, many.itl_ms.mean), (0, None));
    assert!(many.missing["itl_ms"].contains("are more than the"), "{}", many.missing["itl_ms"]);
}

#[test]
fn intervals_stand_beside_the_figures() {
    let seen = summary((0..50).map(|i| answer(0, &[50 + i, 60 + i, 72 + i], Some(3))).collect());
    for distribution in [&seen.ttft_ms, &seen.itl_ms, &seen.tpot_ms, &seen.e2e_ms] {
        let (low, high) = distribution.ci95.p50.unwrap();
        assert!(low <= distribution.p50.unwrap() && distribution.p50.unwrap() <= high);
        let (low, high) = distribution.ci95.mean.unwrap();
        assert!(low <= distribution.mean.unwrap() && distribution.mean.unwrap() <= high);
        assert_eq!(distribution.ci95.p99, None);
    }
    let json = serde_json::to_value(&seen).unwrap();
    assert_eq!(json["ttft_ms"]["mean"], 74.5);
    assert!(json["ttft_ms"]["p99"].is_null() && json["ttft_ms"]["ci95"]["mean"][1].as_f64().unwrap() > 74.5);
    assert_eq!(json["missing"]["p99"], "50 requests are under 1000");
}

#[test]
fn one_long_answer_is_one_observation_of_its_pace() {
    // A thousand gaps of one request say no more about other requests than ten do.
    let long: Vec<u64> = (0..1000).map(|i| 50 + i * 10).collect();
    let seen = summary(vec![answer(0, &long, Some(1000))]);
    assert_eq!((seen.itl_ms.n, seen.itl_ms.mean, seen.itl_ms.ci95.mean), (999, Some(10.0), None));
}

#[test]
fn tokens_not_requests_are_credited_to_the_window() {
    // The warm-up was not drained: of its answer, two of four tokens came within the window.
    let second = 1_000_000_000;
    let began_before = Request {
        content_times: [200, 900, 1100, 1500].map(|ms| Nanos(ms * 1_000_000)).to_vec(),
        end: Nanos(1_500_000_000),
        completion_tokens: Some(4),
        ..Request::default()
    };
    let measured = answer(second, &[100, 200, 300], Some(3));
    let window = (Nanos(second), Nanos(2 * second));
    let run = Run { requests: vec![measured], warmup: vec![began_before], window, ..Run::default() };
    let seen = summarise(&run, &Limits::default());
    close(seen.throughput_tok_s, 5.0);
    assert_eq!((seen.completion_tokens, seen.requests_ok), (Some(3), 1));
    let untold = Run { warmup: vec![Request { completion_tokens: None, ..run.warmup[0].clone() }], ..run };
    let seen = summarise(&untold, &Limits::default());
    assert_eq!(seen.throughput_tok_s, None);
    assert!(seen.missing["throughput_tok_s"].contains("warm-up"), "{:?}", seen.missing);
}

#[test]
fn goodput_counts_requests_within_every_limit() {
    let failed = Request { failure: Some("timeout".into()), ..answer(0, &[10], Some(1)) };
    let run = run(vec![answer(0, &[50, 60], Some(2)), answer(0, &[50, 90], Some(2)), answer(0, &[80, 90], Some(2)), failed]);
    let seen = summarise(&run, &"ttft:60,itl:20".parse().unwrap()).goodput.unwrap();
    assert_eq!((seen.within, seen.share, seen.requests_per_s), (1, Some(0.25), Some(1.0)));
    assert!(seen.share_ci95.is_some_and(|(low, high)| low < 0.25 && 0.25 < high));
    let untold = summarise(&self::run(vec![answer(0, &[50, 60], None)]), &"itl:20".parse().unwrap());
    assert_eq!(untold.goodput.unwrap().share, None);
    assert!(untold.missing["goodput"].contains("1 of 1 answers told no usage"));
}

#[test]
fn a_run_in_which_all_failed_has_no_figure_and_says_so() {
    let seen = summary(vec![Request { failure: Some("status: 503".into()), ..Request::default() }; 3]);
    assert_eq!((seen.requests_ok, seen.requests_failed, seen.failures["status: 503"]), (0, 3, 3));
    assert_eq!((seen.ttft_ms.mean, seen.throughput_tok_s, seen.completion_tokens), (None, None, None));
    assert_eq!(seen.missing["ttft_ms"], "no request was answered well");
}

#[test]
fn what_came_is_told() {
    let sent_at = |due_ms: u64, sent_ms: u64, end_ms: u64| Request {
        due: Nanos(due_ms * 1_000_000),
        sent: Nanos(sent_ms * 1_000_000),
        end: Nanos(end_ms * 1_000_000),
        prompt_tokens: Some(due_ms as u32),
        ..Request::default()
    };
    let run = run(vec![sent_at(100, 101, 300), sent_at(200, 200, 400), sent_at(300, 300, 350)]);
    let seen = summarise(&Run { peak_concurrency: 2, ..run }, &Limits::default());
    assert_eq!((seen.came.requests, seen.came.peak_concurrency, seen.came.due_per_s), (3, 2, Some(10.0)));
    assert_eq!(seen.prompt_tokens, Some(Counts { n: 3, mean: 200.0, min: 100, max: 300, total: 600 }));
    assert_eq!(
        seen.prefix_cache.share(),
        Reading::missing("/metrics was not read; no answer told usage.prompt_tokens_details.cached_tokens")
    );
}

#[test]
fn half_a_million_gaps_are_no_burden() {
    let times: Vec<u64> = (0..65).map(|i| 50 + i * 10).collect();
    let seen = summary(vec![answer(0, &times, Some(65)); 10_000]);
    assert_eq!((seen.itl_ms.n, seen.itl_ms.mean, seen.itl_ms.p99), (640_000, Some(10.0), Some(10.0)));
}
