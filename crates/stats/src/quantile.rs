//! Quantiles and their distribution-free interval.
//!
//! Point: type 7 of Hyndman & Fan, "Sample quantiles in statistical packages", The American Statistician 50 (1996).
//! Interval: between two order statistics, by the binomial distribution of the number of observations below the quantile
//! (Conover, "Practical Nonparametric Statistics", 3rd ed., section 3.2). It assumes independent observations and nothing
//! about their distribution; because ranks are whole numbers it covers at least 95%.

use crate::{Error, Estimate, Method, Result, Sample, binomial::Binomial};

/// A quantile with its order-statistic interval. `ci95` is `None` where none exists for this many observations: a median
/// needs 6, a 90th percentile 36, a 99th 368.
///
/// # Errors
/// `p` is not strictly between 0 and 1: the ends of a distribution have no such interval.
pub fn quantile_interval(sample: &Sample, p: f64) -> Result<Estimate> {
    if !(p > 0.0 && p < 1.0) {
        return Err(Error::Probability { what: "the quantile's level", value: p });
    }
    let sorted = sample.sorted();
    let value = quantile_sorted(&sorted, p);
    let ci95 = interval_ranks(sorted.len(), p).map(|(low, high)| (sorted[low - 1], sorted[high - 1]));
    let method = if ci95.is_some() { Method::OrderStatistics } else { Method::None };
    Ok(Estimate { value, ci95, n: sorted.len(), method })
}

/// Ranks (from 1) of the two order statistics that bracket the quantile with at least 95%, at most 2.5% missing on each side.
///
/// With `X ~ Bin(n, p)` the number of observations below the quantile, `low` is the largest rank with `P(X < low) <= 2.5%`
/// and `high` the smallest with `P(X >= high) <= 2.5%`.
pub(crate) fn interval_ranks(n: usize, p: f64) -> Option<(usize, usize)> {
    let below = Binomial::new(n, p);
    let low = below.inverse_cdf(0.025);
    let high = below.inverse_cdf(0.975) + 1;
    (low >= 1 && high <= n).then_some((low, high))
}

/// Type 7 quantile of numbers in ascending order; there is at least one.
pub(crate) fn quantile_sorted(sorted: &[f64], p: f64) -> f64 {
    let at = (sorted.len() - 1) as f64 * p;
    let below = at.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let share = at - below as f64;
    // No step is taken where none is needed, so that an infinite neighbour does not turn a finite quantile into NaN.
    if share > 0.0 { sorted[below] + (sorted[above] - sorted[below]) * share } else { sorted[below] }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranks_are_the_tables() {
        // Median: the classic table of sign-test limits (Conover, table A3 inverted).
        for (n, want) in [(5, None), (6, Some((1, 6))), (10, Some((2, 9))), (20, Some((6, 15))), (100, Some((40, 61)))] {
            assert_eq!(interval_ranks(n, 0.5), want, "n = {n}");
        }
    }

    #[test]
    fn an_interval_exists_from_the_n_that_is_told() {
        // The highest observation misses the quantile with probability p^n <= 2.5%.
        for (p, n) in [(0.5, 6), (0.9, 36), (0.99, 368)] {
            assert_eq!(interval_ranks(n - 1, p), None, "p = {p}");
            assert!(interval_ranks(n, p).is_some(), "p = {p}");
        }
    }

    #[test]
    fn the_ends_have_no_interval() {
        let sample = Sample::new([1.0, 2.0]).unwrap();
        assert!(quantile_interval(&sample, 0.0).is_err() && quantile_interval(&sample, 1.0).is_err());
        assert!(quantile_interval(&sample, f64::NAN).is_err());
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_quantile(values in prop::collection::vec(-1e6..1e6f64, 1..800), p in 0.01..0.99f64) {
            let estimate = quantile_interval(&Sample::new(values).unwrap(), p).unwrap();
            if let Some((low, high)) = estimate.ci95 {
                prop_assert!(low <= estimate.value && estimate.value <= high);
            }
        }
    }
}
