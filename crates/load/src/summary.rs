//! What the `load` command prints of a run. [`DEFINITIONS`] says what each figure means, for every request that did not fail.
//!
//! Tokens are counted by usage alone: an answer without it has no ITL, TPOT or share of the throughput, and this is said. Tokens, not
//! requests, are credited to the window: of an answer that began before it, those that came within it.

pub(crate) mod distribution;
pub(crate) mod latency;
mod missing;
mod shape;

use std::collections::BTreeMap;

use record::{Limits, Request, Standing};
use serde::Serialize;
use stats::wilson;

use self::latency::{chunk_gaps_ms, lateness_ms, token_gaps_ms, tokens_within, ttft_from_sent_ms};
pub use self::{
    distribution::{Distribution, Intervals, P99_MIN_REQUESTS},
    shape::{Came, Counts, Lag},
};
use crate::{Run, prefix_cache::PrefixCache, word};

/// What the figures mean, a line each, by name.
pub const DEFINITIONS: &[(&str, &str)] = &[
    ("ttft_ms", "first event with text − due time; ttft_from_sent_ms from the first byte written instead"),
    (
        "itl_ms",
        "gap between two tokens, pooled over requests; where events carry several, the request's mean gap / tokens an event, once a token",
    ),
    ("inter_chunk_ms", "gap between two events with text, however many tokens they hold"),
    ("tpot_ms", "(end − first event with text) / (completion tokens − 1), one a request"),
    ("e2e_ms", "end − due time"),
    ("lateness_ms", "sent − due time: the client's own"),
    ("read_lag_ms", "how long arrived bytes waited for the client; in no latency, for their instants are the kernel's"),
    ("throughput_tok_s", "completion tokens by usage that came within the window / its length"),
    ("goodput", "requests within every limit, of all requests: failed ones are not within"),
    ("window", "from the first due time to the last answer's end, the drain of the last requests included"),
];

/// Most gaps pooled: about a gigabyte of memory while they are sorted.
const MOST_POOLED: usize = 1 << 25;

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
    /// How long arrived bytes waited for the client; no latency holds it.
    pub read_lag_ms: Lag,
    /// Whether the client's thread could be put before others; where not, it may wait behind a server on the same machine, and is late.
    pub client_priority_raised: bool,
    /// Completion tokens a second over the window.
    pub throughput_tok_s: Option<f64>,
    /// Requests that ended well, a second over the window.
    pub requests_per_s: Option<f64>,
    /// The window's length, in seconds.
    pub window_s: f64,
    /// Completion tokens of the window's answers, as the server counted them.
    pub completion_tokens: Option<u64>,
    /// Prompt tokens a request, as the server counted them.
    pub prompt_tokens: Option<Counts>,
    /// Requests that kept to the limits, where any were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goodput: Option<Goodput>,
    /// Requests that ended well.
    pub requests_ok: usize,
    /// Requests that did not; they are in no latency.
    pub requests_failed: usize,
    /// The failed ones by stable word.
    pub failures: BTreeMap<String, usize>,
    /// How requests really came.
    pub came: Came,
    /// Prompt tokens found in a prefix cache.
    pub prefix_cache: PrefixCache,
    /// Answers that told no usage.
    pub usage_missing: usize,
    /// Answers whose events with text were not one a token.
    pub chunks_are_not_tokens: usize,
    /// Why a field above is `null`, by field.
    pub missing: BTreeMap<&'static str, String>,
}

/// Requests that kept to the limits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Goodput {
    /// The limits.
    pub limits: Limits,
    /// Requests within every one of them.
    pub within: usize,
    /// Their share of all requests, failed ones among them; `None` while it is unknown of a request.
    pub share: Option<f64>,
    /// Its 95% interval (Wilson).
    pub share_ci95: Option<(f64, f64)>,
    /// Requests within every limit, a second over the window.
    pub requests_per_s: Option<f64>,
}

/// Computes the figures of a run's window.
pub fn summarise(run: &Run, limits: &Limits) -> Summary {
    let ok: Vec<&Request> = run.requests.iter().filter(|request| request.failure.is_none()).collect();
    let window_s = run.window.1.since(run.window.0).get();
    let per_s = |count: f64| (window_s > 0.0).then(|| count / window_s);
    let each = |latency: fn(&Request) -> Option<f64>| Distribution::per_request(ok.iter().filter_map(|request| latency(request)).collect());
    let gaps: usize = ok.iter().filter_map(|request| request.token_gap_count()).sum();
    let pooled = if gaps <= MOST_POOLED { ok.as_slice() } else { &[] };
    let tokens: Option<u64> = ok.iter().map(|request| request.completion_tokens.map(u64::from)).sum();
    let mut summary = Summary {
        ttft_ms: each(Request::ttft_ms),
        ttft_from_sent_ms: each(ttft_from_sent_ms),
        itl_ms: Distribution::pooled(pooled.iter().map(|request| token_gaps_ms(request))),
        inter_chunk_ms: Distribution::pooled(ok.iter().map(|request| chunk_gaps_ms(request))),
        tpot_ms: each(Request::tpot_ms),
        e2e_ms: each(|request| Some(request.e2e_ms())),
        lateness_ms: each(|request| Some(lateness_ms(request))),
        client_priority_raised: run.priority_raised,
        read_lag_ms: Lag::of(&run.read_lag),
        throughput_tok_s: credited(run).and_then(per_s),
        requests_per_s: per_s(ok.len() as f64),
        window_s,
        completion_tokens: tokens.filter(|_| !ok.is_empty()),
        prompt_tokens: Counts::of(ok.iter().filter_map(|request| request.prompt_tokens)),
        goodput: limits.any().then(|| goodput(&run.requests, *limits, per_s)),
        requests_ok: ok.len(),
        requests_failed: run.requests.len() - ok.len(),
        failures: count_failures(&run.requests),
        came: Came::of(run),
        prefix_cache: PrefixCache::by_usage(&run.requests),
        usage_missing: ok.iter().filter(|request| request.completion_tokens.is_none()).count(),
        chunks_are_not_tokens: ok.iter().filter(|request| request.one_token_an_event() == Some(false)).count(),
        missing: BTreeMap::new(),
    };
    summary.missing = missing::reasons(&summary, gaps);
    summary
}

/// Tokens that came within the window, the warm-up's among them where it was not drained; `None` where one answer told no usage.
fn credited(run: &Run) -> Option<f64> {
    let overlaps = |request: &&Request| request.failure.is_none() && request.end > run.window.0;
    let warm = run.warmup.iter().filter(overlaps);
    let measured = run.requests.iter().filter(|request| request.failure.is_none());
    let mut any = false;
    let total: Option<f64> = measured.inspect(|_| any = true).chain(warm).map(|request| tokens_within(request, run.window)).sum();
    total.filter(|_| any)
}

fn goodput(requests: &[Request], limits: Limits, per_s: impl Fn(f64) -> Option<f64>) -> Goodput {
    let standings: Vec<Standing> = requests.iter().map(|request| limits.standing(request)).collect();
    let within = standings.iter().filter(|standing| **standing == Standing::Within).count();
    let unknown = standings.contains(&Standing::Unknown);
    let share = wilson(within, standings.len()).ok().filter(|_| !unknown);
    Goodput {
        limits,
        within,
        share: share.as_ref().map(|share| share.value),
        share_ci95: share.and_then(|share| share.ci95),
        requests_per_s: if unknown { None } else { per_s(within as f64) },
    }
}

fn count_failures(requests: &[Request]) -> BTreeMap<String, usize> {
    let mut failures = BTreeMap::new();
    for failure in requests.iter().filter_map(|request| request.failure.as_deref()) {
        *failures.entry(word(failure).to_owned()).or_insert(0) += 1;
    }
    failures
}

#[cfg(test)]
mod tests;
