//! Mean and percentiles of one latency with 95% intervals.
//!
//! One figure a request: Student's t for the mean, order statistics for percentiles. Many a request (gaps): the requests are what is
//! independent, so [`stats::Clusters`]. Requests themselves are taken as independent of each other.

use serde::Serialize;
use stats::{Clusters, Estimate, Sample, mean_interval, quantile_interval};

/// Fewest requests from which a 99th percentile is told.
pub const P99_MIN_REQUESTS: usize = 1000;

/// Mean and percentiles of one latency, in milliseconds; `null` where it cannot be told (see [`crate::Summary::missing`]).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
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
    /// 99th percentile; refused where fewer than [`P99_MIN_REQUESTS`] requests have such a latency.
    pub p99: Option<f64>,
    /// The 95% interval of each, in milliseconds; `null` where there are too few observations for one.
    pub ci95: Intervals,
}

/// Lower and upper ends of 95% intervals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Intervals {
    /// Of the mean.
    pub mean: Option<(f64, f64)>,
    /// Of the median.
    pub p50: Option<(f64, f64)>,
    /// Of the 90th percentile.
    pub p90: Option<(f64, f64)>,
    /// Of the 95th percentile.
    pub p95: Option<(f64, f64)>,
    /// Of the 99th percentile.
    pub p99: Option<(f64, f64)>,
}

impl Distribution {
    /// Of one figure a request, of the requests that have it.
    pub(crate) fn per_request(values: Vec<f64>) -> Self {
        let n = values.len();
        match Sample::new(values) {
            Ok(sample) => Self::of(n, n, &mean_interval(&sample), |p| quantile_interval(&sample, p).ok()),
            Err(_) => Self { n, ..Self::default() },
        }
    }

    /// Of figures pooled over requests, of the requests that have any.
    pub(crate) fn pooled(gaps: impl IntoIterator<Item = impl IntoIterator<Item = f64>>) -> Self {
        match Clusters::new(gaps) {
            Ok(clusters) => Self::of(clusters.observations(), clusters.n(), &clusters.mean(), |p| clusters.quantile(p).ok()),
            Err(_) => Self::default(),
        }
    }

    fn of(n: usize, requests: usize, mean: &Estimate, quantile: impl Fn(f64) -> Option<Estimate>) -> Self {
        let [p50, p90, p95] = [0.5, 0.9, 0.95].map(&quantile);
        let p99 = if requests < P99_MIN_REQUESTS { None } else { quantile(0.99) };
        let value = |estimate: &Option<Estimate>| estimate.as_ref().map(|estimate| estimate.value);
        let ci95 = |estimate: &Option<Estimate>| estimate.as_ref().and_then(|estimate| estimate.ci95);
        let intervals = Intervals { mean: mean.ci95, p50: ci95(&p50), p90: ci95(&p90), p95: ci95(&p95), p99: ci95(&p99) };
        Self { n, mean: Some(mean.value), p50: value(&p50), p90: value(&p90), p95: value(&p95), p99: value(&p99), ci95: intervals }
    }
}
