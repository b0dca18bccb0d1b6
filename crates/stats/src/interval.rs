//! Student's t interval of a mean, and how many observations a wished width needs.
//!
//! Source: Student, "The probable error of a mean", Biometrika 6 (1908). The observations are independent; the mean is near
//! normal. Quantiles of t come from `statrs`.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::{Error, Estimate, Method, Result, Sample, proportion::Z};

/// Mean with its t interval. A single observation has no interval.
pub fn mean_interval(sample: &Sample) -> Estimate {
    let value = sample.mean();
    match sample.sd() {
        None => Estimate::single(value),
        Some(sd) => {
            let half = t_quantile(sample.n() - 1) * sd / (sample.n() as f64).sqrt();
            Estimate { value, ci95: Some((value - half, value + half)), n: sample.n(), method: Method::T }
        }
    }
}

/// How many observations of standard deviation `sd` give a 95% t interval of at most ±`half_width`. Never under 2.
///
/// # Errors
/// A width that is not positive, or a deviation that is negative or not finite.
pub fn n_for_half_width(sd: f64, half_width: f64) -> Result<usize> {
    if !(half_width > 0.0 && half_width.is_finite()) {
        return Err(Error::NotPositive { what: "the half-width", value: half_width });
    }
    if !(sd >= 0.0 && sd.is_finite()) {
        return Err(Error::NotPositive { what: "the standard deviation", value: sd });
    }
    let ratio = sd / half_width;
    let fits = |n: usize| t_quantile(n - 1) * ratio <= (n as f64).sqrt();
    // The normal quantile is the lower bound; t needs a few more, and only when n is small.
    let mut n = ((Z * ratio).powi(2).ceil() as usize).max(2);
    while n < LARGE && !fits(n) {
        n += 1;
    }
    Ok(n)
}

/// From here on t and the normal law agree to the observation.
const LARGE: usize = 10_000;

/// The 97.5% quantile of Student's t.
pub(crate) fn t_quantile(freedom: usize) -> f64 {
    if freedom < 1_000 {
        return StudentsT::new(0.0, 1.0, freedom as f64).expect("scale 1 and at least one degree of freedom").inverse_cdf(0.975);
    }
    // Abramowitz & Stegun 26.7.5, whose next term is below 1e-9 here; the library's iteration no longer converges at a million.
    let v = freedom as f64;
    Z + (Z.powi(3) + Z) / (4.0 * v) + (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / (96.0 * v * v)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn t_quantiles_are_the_tables() {
        for (freedom, want) in [
            (1, 12.706_205),
            (2, 4.302_653),
            (4, 2.776_445),
            (19, 2.093_024),
            (99, 1.984_217),
            (999, 1.962_341),
            (1_000, 1.962_339),
            (9_999, 1.960_201),
        ] {
            assert!((t_quantile(freedom) - want).abs() < 1e-5, "{freedom}: {}", t_quantile(freedom));
        }
        assert!((t_quantile(1_000_000) - 1.959_966).abs() < 1e-5, "{}", t_quantile(1_000_000));
    }

    #[test]
    fn a_mean_of_three_by_hand() {
        // Mean 2, sd 1: half = 4.302653 / sqrt(3).
        let estimate = mean_interval(&Sample::new([1.0, 2.0, 3.0]).unwrap());
        let (low, high) = estimate.ci95.unwrap();
        assert!((high - 2.0 - 4.302_653 / 3.0_f64.sqrt()).abs() < 1e-5 && (low + high - 4.0).abs() < 1e-12);
        assert_eq!((estimate.n, estimate.method), (3, Method::T));
        assert_eq!(mean_interval(&Sample::new([7.0]).unwrap()), Estimate::single(7.0));
    }

    #[test]
    fn n_needed_is_the_first_that_fits() {
        for (sd, half) in [(1.0, 0.5), (0.3, 0.1), (10.0, 1.0)] {
            let n = n_for_half_width(sd, half).unwrap();
            let width = |n: usize| t_quantile(n - 1) * sd / (n as f64).sqrt();
            assert!(width(n) <= half && width(n - 1) > half, "n = {n}");
        }
        assert_eq!(n_for_half_width(0.0, 1.0).unwrap(), 2);
        assert!(n_for_half_width(1.0, 0.0).is_err() && n_for_half_width(f64::NAN, 1.0).is_err());
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_mean_and_moves_with_it(values in prop::collection::vec(-1e3..1e3f64, 2..30), shift in -1e3..1e3f64) {
            let here = mean_interval(&Sample::new(values.clone()).unwrap());
            let there = mean_interval(&Sample::new(values.iter().map(|x| x + shift).collect::<Vec<_>>()).unwrap());
            let ((low, high), (low2, high2)) = (here.ci95.unwrap(), there.ci95.unwrap());
            prop_assert!(low <= here.value && here.value <= high);
            prop_assert!((low2 - low - shift).abs() < 1e-6 && (high2 - high - shift).abs() < 1e-6);
        }
    }
}
