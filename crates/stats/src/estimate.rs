//! A figure as it is reported: value, 95% interval, n, and how the interval was made.

use serde::{Deserialize, Serialize};

/// How an interval was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Student's t over independent runs.
    T,
    /// Percentile bootstrap.
    BootstrapPercentile,
    /// Bias-corrected and accelerated bootstrap (Efron 1987).
    BootstrapBca,
    /// Jackknife standard error with Student's t.
    JackknifeT,
    /// Distribution-free interval of a quantile from order statistics.
    OrderStatistics,
    /// Linearised over clusters of observations that depend on each other.
    Clusters,
    /// Wilson's score interval of a proportion.
    Wilson,
    /// Observed once, or exact, or too few observations: no interval can be given.
    None,
}

impl Method {
    /// The words shown beside an interval.
    pub fn label(self) -> &'static str {
        match self {
            Self::T => "t",
            Self::BootstrapPercentile => "bootstrap, percentile",
            Self::BootstrapBca => "bootstrap, BCa",
            Self::JackknifeT => "jackknife, t",
            Self::OrderStatistics => "order statistics",
            Self::Clusters => "clusters, linearised",
            Self::Wilson => "Wilson",
            Self::None => "none",
        }
    }
}

/// A figure with its uncertainty. `ci95` is absent only when there are too few observations for one, or the value is exact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The point value.
    pub value: f64,
    /// Lower and upper end of the 95% interval.
    pub ci95: Option<(f64, f64)>,
    /// How many independent observations stand behind it.
    pub n: usize,
    /// How the interval was made.
    pub method: Method,
}

impl Estimate {
    /// A value seen once: no interval.
    pub fn single(value: f64) -> Self {
        Self { value, ci95: None, n: 1, method: Method::None }
    }

    /// Half the interval's width, where there is one.
    pub fn half_width(&self) -> Option<f64> {
        self.ci95.map(|(low, high)| (high - low) / 2.0)
    }

    /// The figure through a function that rises: value and both ends.
    #[must_use]
    pub fn through(self, rising: impl Fn(f64) -> f64) -> Self {
        Self { value: rising(self.value), ci95: self.ci95.map(|(low, high)| (rising(low), rising(high))), ..self }
    }

    /// The same figure in another unit: value and interval times a positive factor.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        self.through(|x| x * factor)
    }
}
