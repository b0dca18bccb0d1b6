//! Why a figure of a summary is `null`, by field: a missing figure is never a zero, and never silent.

use std::collections::BTreeMap;

use super::{MOST_POOLED, P99_MIN_REQUESTS, Summary};

pub(super) fn reasons(summary: &Summary, gaps: usize) -> BTreeMap<&'static str, String> {
    let mut missing = BTreeMap::new();
    let usage = format!("{} of {} answers told no usage", summary.usage_missing, summary.requests_ok);
    if summary.requests_ok < P99_MIN_REQUESTS {
        missing.insert("p99", format!("{} requests are under {P99_MIN_REQUESTS}", summary.requests_ok));
    }
    if summary.requests_ok == 0 {
        let none = "no request was answered well".to_owned();
        let all = ["ttft_ms", "ttft_from_sent_ms", "itl_ms", "inter_chunk_ms", "tpot_ms", "e2e_ms", "lateness_ms", "throughput_tok_s"];
        missing.extend(all.map(|name| (name, none.clone())));
        missing.extend([("completion_tokens", none.clone()), ("prompt_tokens", none)]);
        return missing;
    }
    if summary.requests_ok >= P99_MIN_REQUESTS {
        missing.extend(too_few(summary));
    }
    if summary.completion_tokens.is_none() {
        missing.insert("completion_tokens", usage.clone());
    }
    if summary.throughput_tok_s.is_none() {
        let untold = "an answer of the warm-up that ended within the window told no usage".to_owned();
        let why = if summary.usage_missing > 0 { usage.clone() } else { untold };
        missing.insert("throughput_tok_s", if summary.window_s > 0.0 { why } else { no_window() });
    }
    if summary.requests_per_s.is_none() {
        missing.insert("requests_per_s", no_window());
    }
    if summary.prompt_tokens.is_none() {
        missing.insert("prompt_tokens", "no answer told usage.prompt_tokens".to_owned());
    }
    for (name, of) in [("itl_ms", &summary.itl_ms), ("tpot_ms", &summary.tpot_ms)] {
        if of.n == 0 {
            let few = "no answer had two tokens".to_owned();
            missing.insert(name, if summary.usage_missing > 0 { usage.clone() } else { few });
        }
    }
    if gaps > MOST_POOLED {
        missing.insert("itl_ms", format!("{gaps} gaps are more than the {MOST_POOLED} that are pooled"));
    }
    if summary.inter_chunk_ms.n == 0 {
        missing.insert("inter_chunk_ms", "no answer had two events with text".to_owned());
    }
    if summary.ttft_ms.n == 0 {
        missing.insert("ttft_ms", "no answer had text".to_owned());
        missing.insert("ttft_from_sent_ms", "no answer had text".to_owned());
    }
    if summary.goodput.as_ref().is_some_and(|goodput| goodput.share.is_none()) {
        let why = if summary.usage_missing > 0 { &usage } else { "some had no text, or several tokens in one event alone" };
        missing.insert("goodput", format!("a limited figure is not known of every answer: {why}"));
    }
    missing
}

/// Latencies that too few of many answers have.
fn too_few(summary: &Summary) -> impl Iterator<Item = (&'static str, String)> {
    let some = [
        ("ttft_ms.p99", &summary.ttft_ms),
        ("ttft_from_sent_ms.p99", &summary.ttft_from_sent_ms),
        ("itl_ms.p99", &summary.itl_ms),
        ("inter_chunk_ms.p99", &summary.inter_chunk_ms),
        ("tpot_ms.p99", &summary.tpot_ms),
    ];
    let few = some.into_iter().filter(|(_, of)| of.n > 0 && of.p99.is_none());
    few.map(|(name, _)| (name, format!("fewer than {P99_MIN_REQUESTS} requests have such a latency")))
}

fn no_window() -> String {
    "the window has no length".to_owned()
}
