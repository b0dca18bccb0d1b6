//! What the mock did, request by request, as it saw it itself. Observations only, apart from [`Truth::ttft_ms`] and its like,
//! by which a command line can say in a line what was true.

use serde::{Deserialize, Serialize};
use units::Nanos;

/// Everything the mock did since it was started, or since its truth was last reset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Requests that have ended, in the order of their numbers. After [`crate::mock::Mock::stop`] those cut short by it, too.
    pub requests: Vec<Served>,
    /// Connections taken in.
    pub connections: u64,
    /// What came in and was no request, each a reason.
    pub refused: Vec<String>,
}

/// One request and what was done with it. Instants are `CLOCK_MONOTONIC` nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Served {
    /// Its number, in the order in which requests were taken in.
    pub index: u32,
    /// Its connection's number.
    pub connection: u32,
    /// First word of its prompt, by which it can be found again.
    pub tag: String,
    /// When the kernel took in its last byte.
    pub arrived: Nanos,
    /// Just before the headers' write.
    pub headers: Option<Nanos>,
    /// Just before the write of an event that held the role alone.
    pub role: Option<Nanos>,
    /// When each event with text was to be written.
    pub scheduled: Vec<Nanos>,
    /// Just before each of those writes.
    pub written: Vec<Nanos>,
    /// Tokens written, those of the reasoning among them.
    pub tokens: u32,
    /// Of them reasoning.
    pub reasoning_tokens: u32,
    /// Just before the last write, or when the answer was cut short.
    pub ended: Nanos,
    /// What was done wrong on purpose, such as `status: 429`, `reset after 3 events`, `usage missing`.
    pub faults: Vec<String>,
    /// Whether all that was to be written was.
    pub whole: bool,
}

impl Served {
    /// From arrival to the first token, in milliseconds.
    pub fn ttft_ms(&self) -> Option<f64> {
        self.written.first().map(|first| first.signed_since(self.arrived).get() * 1e3)
    }
}

/// A distribution in four figures, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Observations.
    pub n: usize,
    /// Mean.
    pub mean: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Largest.
    pub max: f64,
}

impl Spread {
    /// Of these values; `None` when there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_unstable_by(f64::total_cmp);
        let max = *values.last()?;
        let n = values.len();
        // The nearest rank: the smallest value that 99% of all do not exceed.
        let rank = (n * 99).div_ceil(100).max(1);
        Some(Self { n, mean: values.iter().sum::<f64>() / n as f64, p99: values[rank - 1], max })
    }
}

impl Truth {
    /// TTFT as it truly was: first write of text − arrival.
    pub fn ttft_ms(&self) -> Option<Spread> {
        Spread::of(self.requests.iter().filter_map(Served::ttft_ms))
    }

    /// Gaps between writes of text.
    pub fn gaps_ms(&self) -> Option<Spread> {
        Spread::of(self.requests.iter().flat_map(|served| served.written.windows(2).map(|pair| ms(pair[0], pair[1]))))
    }

    /// How late the mock was itself: written − scheduled.
    pub fn late_ms(&self) -> Option<Spread> {
        let late = |served: &Served| -> Vec<f64> { served.scheduled.iter().zip(&served.written).map(|(&due, &at)| ms(due, at)).collect() };
        Spread::of(self.requests.iter().flat_map(late))
    }

    /// Writes one line of JSON a request.
    pub fn to_jsonl(&self) -> String {
        let line = |served: &Served| serde_json::to_string(served).expect("strings and numbers always serialise") + "\n";
        self.requests.iter().map(line).collect()
    }
}

fn ms(from: Nanos, to: Nanos) -> f64 {
    to.signed_since(from).get() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_true_is_told_in_figures() {
        let served = Served {
            arrived: Nanos(1_000_000),
            scheduled: vec![Nanos(6_000_000), Nanos(8_000_000)],
            written: vec![Nanos(6_500_000), Nanos(8_000_000)],
            ..Served::default()
        };
        let truth = Truth { requests: vec![served, Served::default()], ..Truth::default() };
        assert_eq!(truth.ttft_ms(), Some(Spread { n: 1, mean: 5.5, p99: 5.5, max: 5.5 }));
        assert_eq!(truth.gaps_ms(), Some(Spread { n: 1, mean: 1.5, p99: 1.5, max: 1.5 }));
        assert_eq!(truth.late_ms(), Some(Spread { n: 2, mean: 0.25, p99: 0.5, max: 0.5 }));
        assert_eq!(Truth::default().ttft_ms(), None);
        let line: Served = serde_json::from_str(truth.to_jsonl().lines().next().unwrap()).unwrap();
        assert_eq!(line, truth.requests[0]);
    }

    #[test]
    fn the_99th_percentile_is_the_nearest_rank() {
        let spread = Spread::of((1..=200).map(f64::from)).unwrap();
        assert_eq!((spread.p99, spread.max), (198.0, 200.0));
    }
}
