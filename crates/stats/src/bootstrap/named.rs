//! The statistics that comparisons are made of: ratio and difference of means.

use super::Bootstrap;
use crate::{Estimate, Result, Sample, sample::mean};

impl Bootstrap {
    /// Mean of one sample.
    ///
    /// # Errors
    /// Those of [`Self::one`].
    pub fn mean(&self, sample: &Sample) -> Result<Estimate> {
        self.one(sample, mean)
    }

    /// `mean(left) / mean(right)`, both observed on the same items or runs. Not the mean of ratios: an item whose
    /// denominator is zero is no obstacle.
    ///
    /// # Errors
    /// Those of [`Self::paired`]; the denominator's mean is zero, or too near to it for an interval.
    pub fn ratio_of_means_paired(&self, left: &Sample, right: &Sample) -> Result<Estimate> {
        self.paired(left, right, |a, b| mean(a) / mean(b))
    }

    /// `mean(left) / mean(right)` of two independent samples.
    ///
    /// # Errors
    /// Those of [`Self::independent`]; the denominator's mean is zero, or too near to it for an interval.
    pub fn ratio_of_means_independent(&self, left: &Sample, right: &Sample) -> Result<Estimate> {
        self.independent(left, right, |a, b| mean(a) / mean(b))
    }

    /// `mean(left) − mean(right)`, both observed on the same items or runs.
    ///
    /// # Errors
    /// Those of [`Self::paired`].
    pub fn difference_of_means_paired(&self, left: &Sample, right: &Sample) -> Result<Estimate> {
        self.paired(left, right, |a, b| mean(a) - mean(b))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Error;

    #[test]
    fn a_ratio_of_means_is_not_a_mean_of_ratios() {
        let (a, b) = (Sample::new([1.0, 0.0, 1.0]).unwrap(), Sample::new([1.0, 1.0, 0.5]).unwrap());
        let ratio = Bootstrap::percentile(0).ratio_of_means_paired(&a, &b).unwrap();
        assert!((ratio.value - 0.8).abs() < 1e-12);
    }

    #[test]
    fn a_zero_denominator_is_told() {
        let (a, zero) = (Sample::new([1.0, 2.0]).unwrap(), Sample::new([0.0, 0.0]).unwrap());
        assert_eq!(Bootstrap::bca(0).ratio_of_means_paired(&a, &zero), Err(Error::Undefined));
        // One of two denominators zero: a quarter of the resamples divides by zero, so no upper end exists.
        let half = Sample::new([0.0, 1.0]).unwrap();
        assert_eq!(Bootstrap::bca(0).ratio_of_means_paired(&a, &half), Err(Error::NoInterval));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn ratios_do_not_depend_on_the_unit(values in prop::collection::vec((0.1..10.0f64, 0.1..10.0f64), 3..20), unit in 0.01..100.0f64) {
            let (a, b): (Vec<f64>, Vec<f64>) = values.into_iter().unzip();
            let scaled = |v: &[f64]| Sample::new(v.iter().map(|x| x * unit).collect::<Vec<_>>()).unwrap();
            let bootstrap = Bootstrap { resamples: 200, ..Bootstrap::percentile(7) };
            let plain = bootstrap.ratio_of_means_paired(&Sample::new(a.clone()).unwrap(), &Sample::new(b.clone()).unwrap()).unwrap();
            let other = bootstrap.ratio_of_means_paired(&scaled(&a), &scaled(&b)).unwrap();
            prop_assert!((plain.value - other.value).abs() < 1e-9 * plain.value);
            prop_assert!((plain.ci95.unwrap().0 - other.ci95.unwrap().0).abs() < 1e-9 * plain.value);
        }

        #[test]
        fn means_lie_within_their_interval_of_a_range(values in prop::collection::vec(0.0..1.0f64, 2..30)) {
            let sample = Sample::new(values).unwrap();
            let estimate = Bootstrap { resamples: 200, ..Bootstrap::bca(3) }.mean(&sample).unwrap();
            let (low, high) = estimate.ci95.unwrap();
            // A mean of equal numbers may round past them.
            prop_assert!(sample.min() - 1e-12 <= low && low <= high && high <= sample.max() + 1e-12);
        }
    }
}
