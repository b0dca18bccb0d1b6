//! What the server counts, and `/metrics` in the Prometheus text format, version 0.0.4. What is not known yet has no line.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, PoisonError};

use units::{Bytes, Seconds};

mod process;

/// Upper bounds in seconds: a token takes from a tenth of a millisecond to tens of seconds.
const BUCKETS: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];

/// How a request ended, as counted.
#[derive(Clone, Copy)]
pub(crate) enum Ended {
    Stop,
    Length,
    Cancelled,
    Failed,
    Rejected,
}

const ENDED: [(Ended, &str); 5] = [
    (Ended::Stop, "stop"),
    (Ended::Length, "length"),
    (Ended::Cancelled, "cancelled"),
    (Ended::Failed, "failed"),
    (Ended::Rejected, "rejected"),
];

/// Every counter of one server.
#[derive(Default)]
pub(crate) struct Metrics {
    ended: [AtomicU64; 5],
    pub(crate) running: AtomicU64,
    pub(crate) waiting: AtomicU64,
    pub(crate) prompt_tokens: AtomicU64,
    pub(crate) generation_tokens: AtomicU64,
    kv_bytes: AtomicU64,
    kv_peak_bytes: AtomicU64,
    pub(crate) weights: OnceLock<Bytes>,
    pub(crate) first_token: Histogram,
    pub(crate) inter_token: Histogram,
}

impl Metrics {
    pub(crate) fn count(&self, ended: Ended) {
        self.ended[ended as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn kv_grew(&self, by: Bytes) {
        let now = self.kv_bytes.fetch_add(by.get(), Relaxed) + by.get();
        self.kv_peak_bytes.fetch_max(now, Relaxed);
    }

    pub(crate) fn kv_shrank(&self, by: Bytes) {
        self.kv_bytes.fetch_sub(by.get(), Relaxed);
    }

    /// The page `/metrics` answers with.
    pub(crate) fn page(&self) -> String {
        let mut page = Page(String::with_capacity(8192));
        page.family("edge_eval_requests_total", "counter", "Requests that ended, by how; one prompt is one request.");
        for (ended, name) in ENDED {
            page.line("edge_eval_requests_total", &format!("{{outcome=\"{name}\"}}"), load(&self.ended[ended as usize]) as f64);
        }
        page.one("edge_eval_requests_running", "gauge", "Requests being decoded.", load(&self.running) as f64);
        page.one("edge_eval_requests_waiting", "gauge", "Requests waiting for a place.", load(&self.waiting) as f64);
        page.one("edge_eval_prompt_tokens_total", "counter", "Prompt tokens processed.", load(&self.prompt_tokens) as f64);
        // Known, not unknown: this engine keeps no prefix cache, and clients that look for hits are told so.
        page.one("edge_eval_prefix_cache_hit_tokens_total", "counter", "Prompt tokens found in a prefix cache; there is none.", 0.0);
        page.one("edge_eval_generation_tokens_total", "counter", "Tokens generated.", load(&self.generation_tokens) as f64);
        if let Some(weights) = self.weights.get() {
            page.one("edge_eval_weights_bytes", "gauge", "Logical bytes held for weights, KV cache excluded.", weights.get() as f64);
        }
        page.one("edge_eval_kv_cache_bytes", "gauge", "Bytes allocated for KV caches now.", load(&self.kv_bytes) as f64);
        page.one("edge_eval_kv_cache_peak_bytes", "gauge", "Most bytes ever allocated for KV caches.", load(&self.kv_peak_bytes) as f64);
        page.histogram("edge_eval_time_to_first_token_seconds", "From arrival at the engine to the first token.", &self.first_token);
        page.histogram("edge_eval_inter_token_latency_seconds", "Gap between two tokens of one request.", &self.inter_token);
        for gauge in process::gauges() {
            page.one(gauge.name, "gauge", gauge.help, gauge.bytes.get() as f64);
        }
        page.0
    }
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Relaxed)
}

/// Durations by bucket.
#[derive(Default)]
pub(crate) struct Histogram(Mutex<Counts>);

#[derive(Clone, Default)]
struct Counts {
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: f64,
}

impl Histogram {
    pub(crate) fn observe(&self, duration: Seconds) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = BUCKETS.iter().position(|bound| duration.get() <= *bound) {
            counts.buckets[bucket] += 1;
        }
        counts.count += 1;
        counts.sum += duration.get();
    }
}

struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _infallible = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, labels: &str, value: f64) {
        let _infallible = writeln!(self.0, "{name}{labels} {value}");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: f64) {
        self.family(name, kind, help);
        self.line(name, "", value);
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        let counts = histogram.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.family(name, "histogram", help);
        let mut below = 0;
        for (bound, count) in BUCKETS.iter().zip(counts.buckets) {
            below += count;
            self.line(&format!("{name}_bucket"), &format!("{{le=\"{bound}\"}}"), below as f64);
        }
        self.line(&format!("{name}_bucket"), "{le=\"+Inf\"}", counts.count as f64);
        self.line(&format!("{name}_sum"), "", counts.sum);
        self.line(&format!("{name}_count"), "", counts.count as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(page: &str, start: &str) -> Vec<String> {
        page.lines().filter(|line| line.starts_with(start)).map(ToOwned::to_owned).collect()
    }

    #[test]
    fn a_histogram_is_cumulative() {
        let metrics = Metrics::default();
        for seconds in [0.0004, 0.0005, 0.02, 100.0] {
            metrics.inter_token.observe(Seconds(seconds));
        }
        let page = metrics.page();
        let got = |le: &str| lines(&page, &format!("edge_eval_inter_token_latency_seconds_bucket{{le=\"{le}\"}}"));
        assert_eq!(got("0.00025"), ["edge_eval_inter_token_latency_seconds_bucket{le=\"0.00025\"} 0"]);
        assert_eq!(got("0.0005"), ["edge_eval_inter_token_latency_seconds_bucket{le=\"0.0005\"} 2"]);
        assert_eq!(got("60"), ["edge_eval_inter_token_latency_seconds_bucket{le=\"60\"} 3"]);
        assert_eq!(got("+Inf"), ["edge_eval_inter_token_latency_seconds_bucket{le=\"+Inf\"} 4"]);
        assert_eq!(lines(&page, "edge_eval_inter_token_latency_seconds_count"), ["edge_eval_inter_token_latency_seconds_count 4"]);
    }

    #[test]
    fn what_is_not_known_has_no_line() {
        let metrics = Metrics::default();
        assert!(lines(&metrics.page(), "edge_eval_weights_bytes").is_empty());
        metrics.weights.set(Bytes(12)).unwrap();
        assert_eq!(lines(&metrics.page(), "edge_eval_weights_bytes"), ["edge_eval_weights_bytes 12"]);
    }

    #[test]
    fn the_kv_peak_stays() {
        let metrics = Metrics::default();
        metrics.kv_grew(Bytes(5));
        metrics.kv_grew(Bytes(7));
        metrics.kv_shrank(Bytes(5));
        assert_eq!(lines(&metrics.page(), "edge_eval_kv_cache"), ["edge_eval_kv_cache_bytes 7", "edge_eval_kv_cache_peak_bytes 12"]);
    }
}
