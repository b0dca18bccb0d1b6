//! Which interval a figure gets.
//!
//! * A quantity of every run: mean and Student's t over the runs.
//! * A ratio or other composite: bootstrap (`BCa`) over runs and items. Where one of its groups has fewer than ten observations no
//!   bootstrap keeps 95% (resamples never leave the range of what was seen), so the jackknife's t interval stands in, on the
//!   logarithm where all is positive. The estimate's method says which it was.

use econ::Range;
use stats::{Bootstrap, Estimate, Method, Sample, jackknife_interval, mean_interval};
use units::Missing;

/// From this many observations on the bootstrap is used.
const ENOUGH: usize = 10;

/// Mean over runs with its t interval. Values that are all the same carry none: the quantity is exact.
pub(crate) fn over_runs(values: &[f64]) -> Result<Estimate, Missing> {
    let sample = sample(values)?;
    if sample.n() > 1 && sample.min().total_cmp(&sample.max()).is_eq() {
        return Ok(Estimate { value: values[0], ci95: None, n: values.len(), method: Method::None });
    }
    Ok(mean_interval(&sample))
}

/// A composite of several independent groups of observations; see [`Bootstrap::groups`].
///
/// # Errors
/// The composite is not finite. When only its interval does not exist, the estimate is given without one.
pub(crate) fn composite(seed: u64, sizes: &[usize], statistic: impl Fn(&[Vec<usize>]) -> f64) -> Result<Estimate, Missing> {
    let smallest = sizes.iter().copied().filter(|&n| n > 1).min();
    let result = if smallest.is_some_and(|n| n < ENOUGH) {
        let logarithm = jackknife_interval(sizes, |picks| statistic(picks).ln());
        logarithm.map(|estimate| estimate.through(f64::exp)).or_else(|_| jackknife_interval(sizes, &statistic))
    } else {
        Bootstrap::bca(seed).groups(sizes, &statistic)
    };
    match result {
        Ok(estimate) => Ok(estimate),
        Err(stats::Error::NoInterval) => Ok(without_interval(sizes, &statistic)),
        Err(error) => Err(Missing::because(error.to_string())),
    }
}

/// Mean of the values at the positions drawn.
pub(crate) fn mean_at(values: &[f64], picks: &[usize]) -> f64 {
    picks.iter().map(|&i| values[i]).sum::<f64>() / picks.len() as f64
}

/// Value and interval of a cost, an energy or a rate, whose ends are not below zero.
pub(crate) fn range(estimate: &Estimate) -> Result<Range, Missing> {
    let value = estimate.value;
    let (low, high) = estimate.ci95.unwrap_or((value, value));
    Range::new(value, low.max(0.0).min(value), high.max(value)).ok_or_else(|| Missing::because("it is not a finite number"))
}

/// A sample, or why the values are none.
pub(crate) fn sample(values: &[f64]) -> Result<Sample, Missing> {
    Sample::new(values).map_err(|error| Missing::because(error.to_string()))
}

fn without_interval(sizes: &[usize], statistic: impl Fn(&[Vec<usize>]) -> f64) -> Estimate {
    let whole: Vec<Vec<usize>> = sizes.iter().map(|&n| (0..n).collect()).collect();
    let n = sizes.iter().copied().filter(|&n| n > 1).min().unwrap_or(1);
    Estimate { value: statistic(&whole), ci95: None, n, method: Method::None }
}

/// The share of items that may change though none of `n` did: Wilson's upper limit of 0 in n.
pub(crate) fn may_change(n: usize) -> f64 {
    stats::wilson(0, n).ok().and_then(|share| share.ci95).map_or(1.0, |(_, high)| high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_runs_are_exact_and_unequal_ones_are_not() {
        let exact = over_runs(&[4.0, 4.0, 4.0]).unwrap();
        assert_eq!((exact.value, exact.ci95, exact.n), (4.0, None, 3));
        assert_eq!(over_runs(&[4.0, 5.0]).unwrap().method, Method::T);
        assert!(over_runs(&[]).is_err());
    }

    #[test]
    fn few_runs_take_the_jackknife_and_many_the_bootstrap() {
        let values: Vec<f64> = (0..12).map(|i| 1.0 + f64::from(i % 5)).collect();
        let of = |n: usize| composite(1, &[n], |picks| mean_at(&values, &picks[0])).unwrap();
        assert_eq!(of(1).method, Method::None);
        assert_eq!(of(4).method, Method::JackknifeT);
        assert!(of(4).ci95.unwrap().0 > 0.0);
        assert_eq!(of(12).method, Method::BootstrapBca);
    }

    #[test]
    fn a_value_without_an_interval_is_still_a_value() {
        let values = [1.0, 0.0, 0.0];
        let of = composite(1, &[3], |picks| 1.0 / mean_at(&values, &picks[0])).unwrap();
        assert_eq!((of.ci95, of.method), (None, Method::None));
        assert!((of.value - 3.0).abs() < 1e-12);
        assert!(composite(1, &[3], |_| f64::INFINITY).is_err());
    }
}
