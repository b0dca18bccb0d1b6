//! Bootstrap intervals of any statistic of one sample, of paired samples, or of several independent ones.
//!
//! Source: Efron & Tibshirani, "An Introduction to the Bootstrap" (1993): percentile interval in chapter 13, `BCa` in section
//! 14.3 (Efron, JASA 82, 1987). Acceleration over several samples: Davison & Hinkley, "Bootstrap Methods and their
//! Application" (1997), section 5.3.2, from the jackknife's influence values. Resampling is seeded: the same data and seed give
//! the same interval on every machine.
//!
//! A resample whose statistic does not exist (0 / 0) counts against both ends of the interval, never for a narrower one.

mod ends;
mod named;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::ends::{bca_levels, expanded_z, interval, percentile_levels};
use crate::{Error, Estimate, Method, Result, Sample, jackknife::leave_one_out, sample::mean};

/// Which interval is read off the resampled statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootstrapKind {
    /// The 2.5% and 97.5% quantiles, moved outwards for small samples.
    Percentile,
    /// Quantiles moved for bias and skewness. Falls back to the percentile interval where the correction does not exist; the
    /// estimate's method says which it was.
    Bca,
}

/// How to resample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// Which interval.
    pub kind: BootstrapKind,
    /// Number of resamples; at least 100.
    pub resamples: u32,
    /// Seed of the resampling.
    pub seed: u64,
}

impl Bootstrap {
    /// Resamples unless told otherwise: the interval's ends then repeat to about 1% of its width under another seed.
    pub const RESAMPLES: u32 = 10_000;

    /// `BCa` with [`Self::RESAMPLES`].
    pub fn bca(seed: u64) -> Self {
        Self { kind: BootstrapKind::Bca, resamples: Self::RESAMPLES, seed }
    }

    /// Percentile with [`Self::RESAMPLES`].
    pub fn percentile(seed: u64) -> Self {
        Self { kind: BootstrapKind::Percentile, resamples: Self::RESAMPLES, seed }
    }

    /// Any statistic of one sample.
    ///
    /// # Errors
    /// Those of [`Self::groups`].
    pub fn one(&self, sample: &Sample, statistic: impl Fn(&[f64]) -> f64) -> Result<Estimate> {
        let values = sample.values();
        let mut drawn = Vec::with_capacity(values.len());
        self.groups(&[values.len()], |picks| {
            drawn.clear();
            drawn.extend(picks[0].iter().map(|&i| values[i]));
            statistic(&drawn)
        })
    }

    /// Any statistic of two samples observed on the same items or in the same runs: pairs are kept together.
    ///
    /// # Errors
    /// Samples of different lengths, and those of [`Self::one`].
    pub fn paired(&self, left: &Sample, right: &Sample, statistic: impl Fn(&[f64], &[f64]) -> f64) -> Result<Estimate> {
        let (a, b) = (left.values(), right.values());
        if a.len() != b.len() {
            return Err(Error::Unpaired { left: a.len(), right: b.len() });
        }
        let (mut x, mut y) = (Vec::with_capacity(a.len()), Vec::with_capacity(b.len()));
        self.groups(&[a.len()], |picks| {
            x.clear();
            x.extend(picks[0].iter().map(|&i| a[i]));
            y.clear();
            y.extend(picks[0].iter().map(|&i| b[i]));
            statistic(&x, &y)
        })
    }

    /// Any statistic of two samples that have nothing to do with each other: each is resampled by itself.
    ///
    /// # Errors
    /// Those of [`Self::one`].
    pub fn independent(&self, left: &Sample, right: &Sample, statistic: impl Fn(&[f64], &[f64]) -> f64) -> Result<Estimate> {
        let (a, b) = (left.values(), right.values());
        let (mut x, mut y) = (Vec::with_capacity(a.len()), Vec::with_capacity(b.len()));
        self.groups(&[a.len(), b.len()], |picks| {
            x.clear();
            x.extend(picks[0].iter().map(|&i| a[i]));
            y.clear();
            y.extend(picks[1].iter().map(|&i| b[i]));
            statistic(&x, &y)
        })
    }

    /// The general form: `sizes` observations in each of several independent groups; the statistic is handed, for every
    /// group, the positions drawn. What was observed together (runs with several quantities, items with several marks)
    /// belongs in one group. The estimate's n is that of the smallest group with more than one observation.
    ///
    /// # Errors
    /// No group or an empty one, too few resamples; [`Error::Undefined`] on the sample; [`Error::NoInterval`] where too many resamples
    /// have no finite statistic.
    pub fn groups(&self, sizes: &[usize], mut statistic: impl FnMut(&[Vec<usize>]) -> f64) -> Result<Estimate> {
        if sizes.is_empty() || sizes.contains(&0) {
            return Err(Error::Empty);
        }
        if self.resamples < 100 {
            return Err(Error::Resamples { resamples: self.resamples });
        }
        let whole: Vec<Vec<usize>> = sizes.iter().map(|&n| (0..n).collect()).collect();
        let value = statistic(&whole);
        if !value.is_finite() {
            return Err(Error::Undefined);
        }
        let Some(n) = sizes.iter().copied().filter(|&n| n > 1).min() else {
            return Ok(Estimate::single(value));
        };
        let replicates = self.replicates(sizes, &mut statistic);
        let z = expanded_z(n);
        let corrected = match self.kind {
            BootstrapKind::Percentile => None,
            BootstrapKind::Bca => acceleration(&whole, &mut statistic).and_then(|a| bca_levels(&replicates, value, a, z)),
        };
        let method = if corrected.is_some() { Method::BootstrapBca } else { Method::BootstrapPercentile };
        let ci95 = interval(replicates, corrected.unwrap_or_else(|| percentile_levels(z)))?;
        Ok(Estimate { value, ci95: Some(ci95), n, method })
    }

    fn replicates(&self, sizes: &[usize], statistic: &mut impl FnMut(&[Vec<usize>]) -> f64) -> Vec<f64> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut picks: Vec<Vec<usize>> = sizes.iter().map(|&n| vec![0; n]).collect();
        (0..self.resamples)
            .map(|_| {
                for group in &mut picks {
                    let n = group.len();
                    group.fill_with(|| rng.random_range(0..n));
                }
                statistic(&picks)
            })
            .collect()
    }
}

/// The acceleration: skewness of the jackknife's influence values, groups weighted by 1 / n. `None` where a statistic with
/// one observation left out does not exist, or nothing ever changes it.
fn acceleration(whole: &[Vec<usize>], statistic: &mut impl FnMut(&[Vec<usize>]) -> f64) -> Option<f64> {
    let (mut cubes, mut squares) = (0.0, 0.0);
    for left_out in leave_one_out(whole, statistic) {
        let n = left_out.len() as f64;
        let mean = mean(&left_out);
        for x in left_out {
            let influence = (n - 1.0) * (mean - x) / n;
            cubes += influence.powi(3);
            squares += influence.powi(2);
        }
    }
    let a = cubes / (6.0 * squares.powf(1.5));
    a.is_finite().then_some(a)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: &[f64]) -> Sample {
        Sample::new(values).unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let data = sample(&[1.03, 4.1, 2.77, 8.9, 5.01, 7.3]);
        let of = |seed| Bootstrap::bca(seed).one(&data, |x| x.iter().sum::<f64>() / 6.0).unwrap();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1).ci95, of(2).ci95);
    }

    #[test]
    fn acceleration_of_a_mean_is_the_skewness_over_six_root_n() {
        // Efron & Tibshirani (14.15): for the mean, a = Σ(x−m)³ / (6 (Σ(x−m)²)^1.5). Deviations −2 −1 3: 18 / (6 · 14^1.5).
        let data = [1.0, 2.0, 6.0];
        let whole = vec![vec![0, 1, 2]];
        let mean = |picks: &[Vec<usize>]| picks[0].iter().map(|&i| data[i]).sum::<f64>() / picks[0].len() as f64;
        let a = acceleration(&whole, &mut { mean }).unwrap();
        assert!((a - 18.0 / (6.0 * 14.0_f64.powf(1.5))).abs() < 1e-12);
    }

    #[test]
    fn one_observation_has_no_interval_and_bad_requests_fail() {
        let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
        assert_eq!(Bootstrap::bca(0).one(&sample(&[3.0]), mean).unwrap(), Estimate::single(3.0));
        assert_eq!(Bootstrap::bca(0).groups(&[], |_| 0.0), Err(Error::Empty));
        assert_eq!(Bootstrap::bca(0).groups(&[2, 0], |_| 0.0), Err(Error::Empty));
        let few = Bootstrap { resamples: 10, ..Bootstrap::bca(0) };
        assert_eq!(few.one(&sample(&[1.0, 2.0]), mean), Err(Error::Resamples { resamples: 10 }));
        assert!(matches!(Bootstrap::bca(0).paired(&sample(&[1.0]), &sample(&[1.0, 2.0]), |_, _| 0.0), Err(Error::Unpaired { .. })));
    }

    #[test]
    fn a_constant_sample_falls_back_to_the_percentile_interval() {
        let estimate = Bootstrap::bca(0).one(&sample(&[2.0; 5]), |x| x[0]).unwrap();
        assert_eq!((estimate.ci95, estimate.method), (Some((2.0, 2.0)), Method::BootstrapPercentile));
    }
}
