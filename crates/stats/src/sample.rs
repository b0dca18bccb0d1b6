//! A sample: at least one observation, all of them finite. What is not here: how its uncertainty is told (see [`crate::Estimate`]).

use crate::{Error, Result, quantile::quantile_sorted};

/// Independent observations of one quantity, in the order they were made. Never empty, never NaN or infinite.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    values: Vec<f64>,
}

impl Sample {
    /// Checks the observations and keeps them.
    ///
    /// # Errors
    /// [`Error::Empty`], or [`Error::NotFinite`] with the place of the first offender.
    pub fn new(values: impl Into<Vec<f64>>) -> Result<Self> {
        let values = values.into();
        if values.is_empty() {
            return Err(Error::Empty);
        }
        match values.iter().position(|x| !x.is_finite()) {
            Some(index) => Err(Error::NotFinite { index, value: values[index] }),
            None => Ok(Self { values }),
        }
    }

    /// The observations, in the order they were made.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// How many there are; at least 1.
    pub fn n(&self) -> usize {
        self.values.len()
    }

    /// Arithmetic mean.
    pub fn mean(&self) -> f64 {
        mean(&self.values)
    }

    /// Unbiased variance (divisor n − 1); `None` for a single observation.
    pub fn variance(&self) -> Option<f64> {
        if self.n() < 2 {
            return None;
        }
        let mean = self.mean();
        let squares: f64 = self.values.iter().map(|x| (x - mean).powi(2)).sum();
        Some(squares / (self.n() - 1) as f64)
    }

    /// Standard deviation (divisor n − 1); `None` for a single observation.
    pub fn sd(&self) -> Option<f64> {
        self.variance().map(f64::sqrt)
    }

    /// Coefficient of variation: standard deviation over the mean's size. `None` for a single observation or a mean of zero.
    pub fn cv(&self) -> Option<f64> {
        let mean = self.mean();
        if mean == 0.0 { None } else { Some(self.sd()? / mean.abs()) }
    }

    /// Smallest observation.
    pub fn min(&self) -> f64 {
        self.values.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// Largest observation.
    pub fn max(&self) -> f64 {
        self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// The observations from smallest to largest.
    pub fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// Quantile of type 7 of Hyndman & Fan (1996): linear between order statistics at `(n − 1) p`; the default of R and numpy.
    ///
    /// # Errors
    /// `p` is not in 0..=1.
    pub fn quantile(&self, p: f64) -> Result<f64> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::Probability { what: "the quantile's level", value: p });
        }
        Ok(quantile_sorted(&self.sorted(), p))
    }

    /// The middle: the quantile at 0.5.
    pub fn median(&self) -> f64 {
        quantile_sorted(&self.sorted(), 0.5)
    }
}

/// Mean of numbers that are known not to be none.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn refuses_what_is_no_sample() {
        assert_eq!(Sample::new([]), Err(Error::Empty));
        assert!(matches!(Sample::new([1.0, f64::NAN]), Err(Error::NotFinite { index: 1, .. })));
        assert!(matches!(Sample::new([f64::INFINITY]), Err(Error::NotFinite { index: 0, .. })));
        assert!(Sample::new([1.0]).unwrap().quantile(1.5).is_err());
    }

    #[test]
    fn moments_of_a_known_sample() {
        // Mean 5, squared deviations 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32, over 7.
        let sample = Sample::new([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]).unwrap();
        assert_eq!(sample.mean(), 5.0);
        assert!((sample.variance().unwrap() - 32.0 / 7.0).abs() < 1e-12);
        assert!((sample.cv().unwrap() - (32.0_f64 / 7.0).sqrt() / 5.0).abs() < 1e-12);
        assert_eq!((sample.min(), sample.max()), (2.0, 9.0));
        assert_eq!(Sample::new([3.0]).unwrap().sd(), None);
        assert_eq!(Sample::new([-1.0, 1.0]).unwrap().cv(), None);
    }

    #[test]
    fn quantiles_are_numpys_default() {
        // numpy.quantile([15, 20, 35, 40, 50], [0.05, 0.3, 0.4, 0.5, 0.99])
        let sample = Sample::new([40.0, 15.0, 50.0, 20.0, 35.0]).unwrap();
        for (p, want) in [(0.0, 15.0), (0.05, 16.0), (0.3, 23.0), (0.4, 29.0), (0.5, 35.0), (0.99, 49.6), (1.0, 50.0)] {
            assert!((sample.quantile(p).unwrap() - want).abs() < 1e-12, "p = {p}");
        }
    }

    proptest! {
        #[test]
        fn quantiles_lie_within_range_and_rise(values in prop::collection::vec(-1e9..1e9f64, 1..60), p in 0.0..1.0f64, q in 0.0..1.0f64) {
            let sample = Sample::new(values).unwrap();
            let (low, high) = (sample.quantile(p.min(q)).unwrap(), sample.quantile(p.max(q)).unwrap());
            prop_assert!(sample.min() <= low && low <= high && high <= sample.max());
        }

        #[test]
        fn moments_follow_shift_and_scale(values in prop::collection::vec(-1e3..1e3f64, 2..40), shift in -1e3..1e3f64, scale in 0.1..10.0f64) {
            let sample = Sample::new(values.clone()).unwrap();
            let moved = Sample::new(values.iter().map(|x| x * scale + shift).collect::<Vec<_>>()).unwrap();
            prop_assert!((moved.mean() - (sample.mean() * scale + shift)).abs() < 1e-8);
            prop_assert!((moved.sd().unwrap() - sample.sd().unwrap() * scale).abs() < 1e-7);
            prop_assert!((moved.median() - (sample.median() * scale + shift)).abs() < 1e-8);
        }
    }
}
