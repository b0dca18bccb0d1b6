//! The latencies of one request, in milliseconds. `None` where the request does not tell. Of many requests they are `metric`'s and `load`'s.

use units::Nanos;

use crate::Request;

impl Request {
    /// First text − due.
    pub fn ttft_ms(&self) -> Option<f64> {
        Some(ms(self.due, self.first_content?))
    }

    /// End − due.
    pub fn e2e_ms(&self) -> f64 {
        ms(self.due, self.end)
    }

    /// (End − first text) / (completion tokens − 1).
    pub fn tpot_ms(&self) -> Option<f64> {
        let tokens = self.completion_tokens.filter(|tokens| *tokens > 1)?;
        Some(ms(self.first_content?, self.end) / f64::from(tokens - 1))
    }

    /// Mean gap between the tokens of one answer: from the first event with text to the last, over the tokens that came after the first event.
    pub fn mean_gap_ms(&self) -> Option<f64> {
        let (first, last) = (self.content_times.first()?, self.content_times.last()?);
        let gaps = self.token_gap_count().filter(|gaps| *gaps > 0)?;
        Some(ms(*first, *last) / gaps as f64)
    }
}

/// Milliseconds between two instants; negative when `to` is earlier.
fn ms(from: Nanos, to: Nanos) -> f64 {
    to.signed_since(from).get() * 1e3
}
