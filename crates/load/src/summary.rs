//! What the `load` command prints of a run. Definitions, for every request that did not fail:
//!
//! * TTFT: first text − due (and − sent, to tell queueing in the client apart);
//! * ITL: the gap between tokens, pooled over all requests. Where usage tells more than one token an event, the gaps between
//!   events are not gaps between tokens, and the request's mean gap counts once a token instead;
//! * inter-chunk gap: between events with text, as they came;
//! * TPOT: (end − first text) / (completion tokens − 1); end to end: end − due; lateness: sent − due;
//! * throughput: completion tokens as the server counted them over the window.
//!
//! Tokens are counted by usage alone: an answer without it has no ITL, TPOT or share of the throughput, and this is said.

use std::collections::BTreeMap;

use record::Request;
use serde::Serialize;
use stats::Sample;
use units::Nanos;

use crate::{Run, word};

/// Fewest requests from which a 99th percentile is told.
pub const P99_MIN_REQUESTS: usize = 1000;

/// Mean and percentiles of one latency, in milliseconds; `null` where it cannot be told (see [`Summary::missing`]).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Distribution {
    /// Observations.
    pub n: usize,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile; refused under [`P99_MIN_REQUESTS`] requests.
    pub p99: Option<f64>,
}

/// A run in figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Time to first token, from the due time.
    pub ttft_ms: Distribution,
    /// Time to first token, from sending.
    pub ttft_from_sent_ms: Distribution,
    /// Inter-token latency, pooled.
    pub itl_ms: Distribution,
    /// Gap between events with text.
    pub inter_chunk_ms: Distribution,
    /// Time per output token, one a request.
    pub tpot_ms: Distribution,
    /// End-to-end latency, from the due time.
    pub e2e_ms: Distribution,
    /// The client's own lateness: sent − due.
    pub lateness_ms: Distribution,
    /// Completion tokens a second over the window.
    pub throughput_tok_s: Option<f64>,
    /// The window's length, in seconds.
    pub window_s: f64,
    /// Completion tokens of all answers, as the server counted them.
    pub completion_tokens: Option<u64>,
    /// Requests that ended well.
    pub requests_ok: usize,
    /// Requests that did not; they are in no latency.
    pub requests_failed: usize,
    /// The failed ones by stable word.
    pub failures: BTreeMap<String, usize>,
    /// Answers that told no usage.
    pub usage_missing: usize,
    /// Answers whose events with text were not one a token.
    pub chunks_are_not_tokens: usize,
    /// Why a field above is `null`, by field.
    pub missing: BTreeMap<&'static str, String>,
}

/// Computes the figures of a run's window.
pub fn summarise(run: &Run) -> Summary {
    let ok: Vec<&Request> = run.requests.iter().filter(|request| request.failure.is_none()).collect();
    let usage_missing = ok.iter().filter(|request| request.completion_tokens.is_none()).count();
    let window_s = run.window.1.since(run.window.0).get();
    let completion_tokens: Option<u64> = ok.iter().map(|request| request.completion_tokens.map(u64::from)).sum();
    let completion_tokens = completion_tokens.filter(|_| !ok.is_empty());
    let each = |latency: fn(&Request) -> Option<f64>| distribution(ok.iter().filter_map(|request| latency(request)).collect(), ok.len());
    let pooled = |gaps: fn(&Request) -> Vec<f64>| distribution(ok.iter().flat_map(|request| gaps(request)).collect(), ok.len());
    let mut summary = Summary {
        ttft_ms: each(|request| Some(ms(request.due, request.first_content?))),
        ttft_from_sent_ms: each(|request| Some(ms(request.sent, request.first_content?))),
        itl_ms: pooled(token_gaps),
        inter_chunk_ms: pooled(chunk_gaps),
        tpot_ms: each(tpot),
        e2e_ms: each(|request| Some(ms(request.due, request.end))),
        lateness_ms: each(|request| Some(ms(request.due, request.sent))),
        throughput_tok_s: completion_tokens.filter(|_| window_s > 0.0).map(|tokens| tokens as f64 / window_s),
        window_s,
        completion_tokens,
        requests_ok: ok.len(),
        requests_failed: run.requests.len() - ok.len(),
        failures: count_failures(&run.requests),
        usage_missing,
        chunks_are_not_tokens: ok.iter().filter(|request| one_token_an_event(request) == Some(false)).count(),
        missing: BTreeMap::new(),
    };
    summary.missing = reasons(&summary);
    summary
}

fn ms(from: Nanos, to: Nanos) -> f64 {
    to.signed_since(from).get() * 1e3
}

fn chunk_gaps(request: &Request) -> Vec<f64> {
    request.content_times.windows(2).map(|pair| ms(pair[0], pair[1])).collect()
}

/// Whether each event with text held one token. Servers count the end-of-text token, which has no text, so one apart is no
/// difference.
fn one_token_an_event(request: &Request) -> Option<bool> {
    Some((request.completion_tokens? as usize).abs_diff(request.content_times.len()) <= 1)
}

fn token_gaps(request: &Request) -> Vec<f64> {
    match (one_token_an_event(request), request.content_times.as_slice(), request.completion_tokens) {
        (Some(true), ..) => chunk_gaps(request),
        (Some(false), [first, .., last], Some(tokens)) if tokens > 1 => {
            let gaps = tokens as usize - 1;
            vec![ms(*first, *last) / gaps as f64; gaps.min(MOST_GAPS)]
        }
        _ => Vec::new(),
    }
}

/// Bound on the gaps made of one answer's token count, which the server merely states.
const MOST_GAPS: usize = 1 << 20;

fn tpot(request: &Request) -> Option<f64> {
    let tokens = request.completion_tokens.filter(|tokens| *tokens > 1)?;
    Some(ms(request.first_content?, request.end) / f64::from(tokens - 1))
}

fn distribution(values: Vec<f64>, requests: usize) -> Distribution {
    let n = values.len();
    let sample = Sample::new(values).ok();
    let at = |p: f64| sample.as_ref().and_then(|sample| sample.quantile(p).ok());
    Distribution {
        n,
        mean: sample.as_ref().map(Sample::mean),
        p50: at(0.5),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99).filter(|_| requests >= P99_MIN_REQUESTS),
    }
}

fn count_failures(requests: &[Request]) -> BTreeMap<String, usize> {
    let mut failures = BTreeMap::new();
    for failure in requests.iter().filter_map(|request| request.failure.as_deref()) {
        *failures.entry(word(failure).to_owned()).or_insert(0) += 1;
    }
    failures
}

fn reasons(summary: &Summary) -> BTreeMap<&'static str, String> {
    let mut missing = BTreeMap::new();
    let usage = format!("{} of {} answers told no usage", summary.usage_missing, summary.requests_ok);
    if summary.requests_ok < P99_MIN_REQUESTS {
        missing.insert("p99", format!("{} requests are under {P99_MIN_REQUESTS}", summary.requests_ok));
    }
    if summary.completion_tokens.is_none() {
        missing.insert("completion_tokens", usage.clone());
        missing.insert("throughput_tok_s", usage.clone());
    }
    for (name, of) in [("itl_ms", &summary.itl_ms), ("tpot_ms", &summary.tpot_ms)] {
        if of.n == 0 {
            let few = "no answer had two tokens".to_owned();
            missing.insert(name, if summary.usage_missing > 0 { usage.clone() } else { few });
        }
    }
    if summary.ttft_ms.n == 0 {
        missing.insert("ttft_ms", "no answer had text".to_owned());
    }
    missing
}

#[cfg(test)]
mod tests {
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

    fn summary(requests: Vec<Request>) -> Summary {
        summarise(&Run { requests, warmup: vec![], window: (Nanos(0), Nanos(1_000_000_000)) })
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
        let seen = summary(vec![answer(0, &[10, 40, 70], Some(7))]);
        close(seen.itl_ms.mean, 10.0);
        assert_eq!((seen.itl_ms.n, seen.chunks_are_not_tokens), (6, 1));
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
        assert!(enough.missing.is_empty());
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
        assert_eq!(seen.itl_ms.n, MOST_GAPS);
    }
}
