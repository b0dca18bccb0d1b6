//! What the load really was: prompt lengths by usage, and how requests came.

use serde::Serialize;

use crate::{ReadLag, Run};

/// Counts over requests.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Counts {
    /// Requests that told one.
    pub n: usize,
    /// Arithmetic mean.
    pub mean: f64,
    /// Smallest.
    pub min: u32,
    /// Largest.
    pub max: u32,
    /// All together.
    pub total: u64,
}

impl Counts {
    /// `None` without any.
    pub(crate) fn of(counts: impl Iterator<Item = u32>) -> Option<Self> {
        let counts: Vec<u32> = counts.collect();
        let (min, max) = (*counts.iter().min()?, *counts.iter().max()?);
        let total: u64 = counts.iter().copied().map(u64::from).sum();
        Some(Self { n: counts.len(), mean: total as f64 / counts.len() as f64, min, max, total })
    }
}

/// How requests really came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Came {
    /// Requests, failed ones among them.
    pub requests: usize,
    /// From the first due time to the last, in seconds.
    pub due_span_s: f64,
    /// Requests due a second over that span; `None` for fewer than two instants.
    pub due_per_s: Option<f64>,
    /// Most requests under way at once in the window.
    pub peak_concurrency: u32,
    /// Connections that were open before the window.
    pub connections_before: u32,
    /// Connections begun inside the window; their time is inside latencies.
    pub connections_in_window: u32,
    /// Requests sent once more, because the server had closed a kept connection.
    pub resent: u32,
}

impl Came {
    pub(crate) fn of(run: &Run) -> Self {
        let dues = || run.requests.iter().map(|request| request.due);
        let span = dues().max().unwrap_or_default().since(dues().min().unwrap_or_default()).get();
        Self {
            requests: run.requests.len(),
            due_span_s: span,
            due_per_s: (span > 0.0).then(|| (run.requests.len() - 1) as f64 / span),
            peak_concurrency: run.peak_concurrency,
            connections_before: run.connections_opened_before,
            connections_in_window: run.connections_opened_in_window,
            resent: run.resent,
        }
    }
}

/// How long arrived bytes waited for the client, in milliseconds. No latency holds it: instants are the kernel's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Lag {
    /// Reads whose bytes had a kernel stamp.
    pub n: u64,
    /// Reads that had none; their instants are the client's, and hold its lag.
    pub unstamped: u64,
    /// Mean of the stamped ones.
    pub mean: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
}

impl Lag {
    pub(crate) fn of(lag: &ReadLag) -> Self {
        let any = |ms: f64| (lag.stamped > 0).then_some(ms);
        Self {
            n: lag.stamped,
            unstamped: lag.unstamped,
            mean: any(lag.sum as f64 / lag.stamped as f64 / 1e6),
            max: any(lag.max.0 as f64 / 1e6),
        }
    }
}
