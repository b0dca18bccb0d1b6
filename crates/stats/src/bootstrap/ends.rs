//! From resampled statistics to the two ends of an interval.
//!
//! The nominal levels are moved outwards for small samples (Hesterberg, "What Teachers Should Know About the Bootstrap", The
//! American Statistician 69, 2015, section 4.2.2; both interval kinds, as in his R package `resample`): a resample of n is narrower by
//! √((n − 1) / n) and knows nothing of Student's t, so the plain interval of 20 runs holds the truth only 93 times in 100.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::{Error, Result, interval::t_quantile, quantile::quantile_sorted};

/// The normal quantile to use instead of 1.96 for `n` observations, at least 2: `√(n / (n − 1)) t`.
pub(super) fn expanded_z(n: usize) -> f64 {
    (n as f64 / (n - 1) as f64).sqrt() * t_quantile(n - 1)
}

/// The two levels of the percentile interval.
pub(super) fn percentile_levels(z: f64) -> (f64, f64) {
    let normal = Normal::standard();
    (normal.cdf(-z), normal.cdf(z))
}

/// The two levels that `BCa` reads instead of `Φ(±z)` (Efron & Tibshirani 1993, equation 14.10). `None` where all
/// resamples lie on one side of the value, or the correction runs away.
pub(super) fn bca_levels(replicates: &[f64], value: f64, acceleration: f64, z: f64) -> Option<(f64, f64)> {
    let below = replicates.iter().filter(|&&x| x < value).count() as f64;
    let equal = replicates.iter().filter(|x| x.total_cmp(&value).is_eq()).count() as f64;
    // Half of the ties lie below: without it a discrete statistic is corrected for a bias that it has not.
    let share = (below + equal / 2.0) / replicates.len() as f64;
    if share <= 0.0 || share >= 1.0 || equal as usize == replicates.len() {
        return None;
    }
    let normal = Normal::standard();
    let z0 = normal.inverse_cdf(share);
    let level = |z: f64| {
        let moved = z0 + z;
        let stretch = 1.0 - acceleration * moved;
        (stretch > 0.0).then(|| normal.cdf(z0 + moved / stretch))
    };
    let (low, high) = (level(-z)?, level(z)?);
    (low < high).then_some((low, high))
}

/// Quantiles of the resampled statistics at two levels. One that does not exist (NaN) stands below all others for the lower
/// end and above all for the upper.
pub(super) fn interval(replicates: Vec<f64>, (low, high): (f64, f64)) -> Result<(f64, f64)> {
    let undefined = replicates.iter().filter(|x| x.is_nan()).count();
    let mut sorted: Vec<f64> = replicates.into_iter().filter(|x| !x.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let end = |level: f64, absent: f64| {
        let filler = std::iter::repeat_n(absent, undefined);
        let padded: Vec<f64> = match undefined {
            0 => return quantile_sorted(&sorted, level),
            _ if absent < 0.0 => filler.chain(sorted.iter().copied()).collect(),
            _ => sorted.iter().copied().chain(filler).collect(),
        };
        quantile_sorted(&padded, level)
    };
    let ends = (end(low, f64::NEG_INFINITY), end(high, f64::INFINITY));
    if ends.0.is_finite() && ends.1.is_finite() { Ok(ends) } else { Err(Error::NoInterval) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proportion::Z;

    #[test]
    fn many_observations_need_no_expansion() {
        let (low, high) = percentile_levels(expanded_z(1_000_000));
        assert!((low - 0.025).abs() < 1e-6 && (high - 0.975).abs() < 1e-6);
        // n = 5: √(5/4) · 2.776445 = 3.10416.
        assert!((expanded_z(5) - 3.104_16).abs() < 1e-4);
    }

    #[test]
    fn no_bias_and_no_skewness_is_the_percentile_interval() {
        let replicates: Vec<f64> = (0..1000).map(f64::from).collect();
        let (low, high) = bca_levels(&replicates, 499.5, 0.0, Z).unwrap();
        assert!((low - 0.025).abs() < 1e-9 && (high - 0.975).abs() < 1e-9);
    }

    #[test]
    fn the_correction_of_the_book() {
        // Efron & Tibshirani (1993), equation 14.12: z0 = 0.146, a = 0.061 give the levels 0.110 and 0.985 for α = 0.05
        // (that is, 90%). Here the same formula at 95%: z0 + (z0 ± 1.96) / (1 − a (z0 ± 1.96)) = −1.487, 2.562.
        let below = 5580; // Φ(0.146) = 0.5580
        let replicates: Vec<f64> = (0..10_000).map(f64::from).collect();
        let (low, high) = bca_levels(&replicates, f64::from(below) - 0.5, 0.061, Z).unwrap();
        assert!((low - 0.0684).abs() < 1e-3 && (high - 0.9948).abs() < 1e-3, "{low} {high}");
    }

    #[test]
    fn a_missing_statistic_widens_and_then_forbids() {
        let mut replicates: Vec<f64> = (0..1000).map(f64::from).collect();
        let narrow = interval(replicates.clone(), (0.025, 0.975)).unwrap();
        replicates.extend([f64::NAN; 10]);
        let wide = interval(replicates.clone(), (0.025, 0.975)).unwrap();
        assert!(wide.0 < narrow.0 && wide.1 > narrow.1);
        replicates.extend([f64::NAN; 50]);
        assert!(interval(replicates, (0.025, 0.975)).is_err());
    }

    #[test]
    fn one_sided_resamples_have_no_correction() {
        assert_eq!(bca_levels(&[1.0, 2.0], 0.0, 0.0, Z), None);
        assert_eq!(bca_levels(&[1.0, 1.0], 1.0, 0.0, Z), None);
    }
}
