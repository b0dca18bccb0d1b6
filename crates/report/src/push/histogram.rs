//! A histogram with explicit bounds, as OTLP tells it. The bounds are those that OpenTelemetry's conventions for generative AI advise.

use serde_json::{Value, json};

use super::Times;

/// Seconds of whole requests.
pub(super) const DURATIONS: &[f64] = &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/// Seconds to the first chunk.
pub(super) const FIRST: &[f64] = &[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Seconds between chunks.
pub(super) const CHUNKS: &[f64] = &[0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5];
/// Tokens.
pub(super) const TOKENS: &[f64] =
    &[1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0, 67_108_864.0];

/// Counts between bounds; a value on a bound is below it.
pub(super) struct Histogram {
    bounds: Vec<f64>,
    counts: Vec<u64>,
    sum: f64,
    range: Option<(f64, f64)>,
}

impl Histogram {
    pub(super) fn new(bounds: &[f64]) -> Self {
        Self { bounds: bounds.to_vec(), counts: vec![0; bounds.len() + 1], sum: 0.0, range: None }
    }

    pub(super) fn add(&mut self, value: f64) {
        self.counts[self.bounds.partition_point(|bound| *bound < value)] += 1;
        self.sum += value;
        let (low, high) = self.range.unwrap_or((value, value));
        self.range = Some((low.min(value), high.max(value)));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.range.is_none()
    }

    /// The data point; 64-bit integers are strings in OTLP's JSON.
    pub(super) fn point(&self, attributes: &[Value], times: Times) -> Value {
        let (min, max) = self.range.unwrap_or_default();
        json!({
            "attributes": attributes,
            "startTimeUnixNano": times.start.to_string(),
            "timeUnixNano": times.at.to_string(),
            "count": self.counts.iter().sum::<u64>().to_string(),
            "sum": self.sum,
            "min": min,
            "max": max,
            "bucketCounts": self.counts.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "explicitBounds": self.bounds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_is_below_it() {
        let mut histogram = Histogram::new(&[1.0, 2.0]);
        assert!(histogram.is_empty());
        for value in [0.5, 1.0, 1.5, 2.0, 9.0] {
            histogram.add(value);
        }
        let point = histogram.point(&[], Times { start: 1, at: 2 });
        assert_eq!(point["bucketCounts"], json!(["2", "2", "1"]));
        assert_eq!((&point["count"], &point["sum"], &point["max"]), (&json!("5"), &json!(14.0), &json!(9.0)));
    }
}
