//! What one server allows itself: how many streams, how long, how large.

use std::time::Duration;

/// Bounds of a server. None of them changes what a request answers, only whether and when it is taken.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Sequences that are decoded at the same time, each with its own KV cache.
    pub max_concurrent: usize,
    /// Requests that may wait for a place; more are refused with 429.
    pub max_waiting: usize,
    /// Largest request body, in bytes; larger ones are refused with 413.
    pub max_body_bytes: usize,
    /// How long running requests may go on after the server was told to stop.
    pub grace: Duration,
    /// From this the seeds of requests without a `seed` are drawn, in the order of arrival.
    pub seed: u64,
}

impl Limits {
    /// The usual bounds for `max_concurrent` streams: 1024 waiting, bodies of 8 MiB, five seconds of grace, seed 0.
    pub fn concurrent(max_concurrent: usize) -> Self {
        Self { max_concurrent, max_waiting: 1024, max_body_bytes: 8 << 20, grace: Duration::from_secs(5), seed: 0 }
    }
}
