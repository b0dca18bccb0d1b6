//! Means and quantiles pooled over clusters (gaps within requests, tokens within answers): observations of one cluster depend on each
//! other, so the clusters are what is independent, and the interval counts them alone.
//!
//! Mean: the ratio estimator Σ sums / Σ sizes with its linearised variance and Student's t (Cochran, "Sampling Techniques", 3rd ed.,
//! 1977, sections 6.3 and 9A.1). Quantile: the interval of the share below it, by the same variance, read back through the observations
//! (Woodruff, "Confidence intervals for medians and other position measures", JASA 47, 1952). Both take one pass over sorted
//! observations; no resampling, so millions of observations cost what sorting them costs.

use crate::{Error, Estimate, Method, Result, interval::t_quantile, quantile::quantile_sorted};

/// Observations in clusters, sorted once for any number of quantiles. At least one observation; all of them finite.
#[derive(Clone, Debug)]
pub struct Clusters {
    /// Each observation with its cluster's number, from smallest to largest.
    sorted: Vec<(f64, u32)>,
    /// The observations alone, in the same order.
    values: Vec<f64>,
    /// Observations of each cluster that has any.
    sizes: Vec<f64>,
    sums: Vec<f64>,
}

impl Clusters {
    /// Takes the observations cluster by cluster. Clusters without any are left out.
    ///
    /// # Errors
    /// [`Error::Empty`] without any observation, or [`Error::NotFinite`] with the place of the first offender.
    pub fn new(clusters: impl IntoIterator<Item = impl IntoIterator<Item = f64>>) -> Result<Self> {
        let (mut sorted, mut sizes, mut sums) = (Vec::new(), Vec::new(), Vec::new());
        for cluster in clusters {
            let (mut size, mut sum) = (0.0, 0.0);
            for value in cluster {
                if !value.is_finite() {
                    return Err(Error::NotFinite { index: sorted.len(), value });
                }
                sorted.push((value, sizes.len() as u32));
                size += 1.0;
                sum += value;
            }
            if size > 0.0 {
                sizes.push(size);
                sums.push(sum);
            }
        }
        if sorted.is_empty() {
            return Err(Error::Empty);
        }
        sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let values = sorted.iter().map(|(value, _)| *value).collect();
        Ok(Self { sorted, values, sizes, sums })
    }

    /// How many observations there are; at least 1.
    pub fn observations(&self) -> usize {
        self.values.len()
    }

    /// How many clusters hold them; at least 1.
    pub fn n(&self) -> usize {
        self.sizes.len()
    }

    /// The pooled mean. The estimate's n is the number of clusters; one cluster has no interval.
    pub fn mean(&self) -> Estimate {
        let value = self.sums.iter().sum::<f64>() / self.values.len() as f64;
        let interval = self.half_width(value, &self.sums).map(|half| (value - half, value + half));
        self.estimate(value, interval)
    }

    /// A pooled quantile. `ci95` is `None` with one cluster, or where the interval would leave the observations: no observation stands
    /// for its far end.
    ///
    /// # Errors
    /// `p` is not strictly between 0 and 1.
    pub fn quantile(&self, p: f64) -> Result<Estimate> {
        if !(p > 0.0 && p < 1.0) {
            return Err(Error::Probability { what: "the quantile's level", value: p });
        }
        let value = quantile_sorted(&self.values, p);
        let below = self.below(value);
        let share = below.iter().sum::<f64>() / self.values.len() as f64;
        let interval = self.half_width(share, &below).and_then(|half| self.read_back(p - half, p + half));
        Ok(self.estimate(value, interval.map(|(low, high)| (low.min(value), high.max(value)))))
    }

    fn estimate(&self, value: f64, ci95: Option<(f64, f64)>) -> Estimate {
        let method = if ci95.is_some() { Method::Clusters } else { Method::None };
        Estimate { value, ci95, n: self.n(), method }
    }

    /// Of each cluster, how many observations are not above a value.
    fn below(&self, value: f64) -> Vec<f64> {
        let mut below = vec![0.0; self.n()];
        for (_, cluster) in self.sorted.iter().take_while(|(x, _)| *x <= value) {
            below[*cluster as usize] += 1.0;
        }
        below
    }

    /// Half the 95% interval of Σ totals / Σ sizes, whose value is `ratio`.
    fn half_width(&self, ratio: f64, totals: &[f64]) -> Option<f64> {
        half_width(ratio, totals, &self.sizes)
    }

    /// The observations at two levels, rounded outwards.
    fn read_back(&self, low: f64, high: f64) -> Option<(f64, f64)> {
        let n = self.values.len() as f64;
        if low <= 0.0 || high >= 1.0 {
            return None;
        }
        let at = |rank: f64| self.values[(rank as usize).min(self.values.len() - 1)];
        Some((at((low * n).floor()), at((high * n).ceil())))
    }
}

/// The mean over observations of which only each cluster's sum and size are known: Σ sums / Σ sizes, with the interval of [`Clusters::mean`].
///
/// # Errors
/// [`Error::Empty`] without any observation, or [`Error::NotFinite`] with the place of the first cluster whose sum or size is not.
pub fn mean_of_clusters(clusters: impl IntoIterator<Item = (f64, f64)>) -> Result<Estimate> {
    let (mut sums, mut sizes) = (Vec::new(), Vec::new());
    for (index, (sum, size)) in clusters.into_iter().enumerate() {
        if let Some(&value) = [sum, size].iter().find(|value| !value.is_finite()) {
            return Err(Error::NotFinite { index, value });
        }
        if size > 0.0 {
            sums.push(sum);
            sizes.push(size);
        }
    }
    if sums.is_empty() {
        return Err(Error::Empty);
    }
    let value = sums.iter().sum::<f64>() / sizes.iter().sum::<f64>();
    let ci95 = half_width(value, &sums, &sizes).map(|half| (value - half, value + half));
    Ok(Estimate { value, ci95, n: sums.len(), method: if ci95.is_some() { Method::Clusters } else { Method::None } })
}

/// Half the 95% interval of Σ totals / Σ sizes, whose value is `ratio`; `None` of fewer than two clusters.
fn half_width(ratio: f64, totals: &[f64], sizes: &[f64]) -> Option<f64> {
    let n = sizes.len();
    if n < 2 {
        return None;
    }
    let squares: f64 = totals.iter().zip(sizes).map(|(total, size)| (total - ratio * size).powi(2)).sum();
    let n_real = n as f64;
    let variance = n_real / (n_real - 1.0) * squares / sizes.iter().sum::<f64>().powi(2);
    Some(t_quantile(n - 1) * variance.sqrt())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Sample, mean_interval};

    fn singles(values: &[f64]) -> Clusters {
        Clusters::new(values.iter().map(|x| [*x])).unwrap()
    }

    #[test]
    fn refuses_what_is_no_sample() {
        assert_eq!(Clusters::new(Vec::<Vec<f64>>::new()).unwrap_err(), Error::Empty);
        assert_eq!(Clusters::new([vec![]]).unwrap_err(), Error::Empty);
        assert!(matches!(Clusters::new([vec![1.0], vec![2.0, f64::NAN]]), Err(Error::NotFinite { index: 2, .. })));
        assert!(singles(&[1.0]).quantile(1.0).is_err());
    }

    #[test]
    fn one_cluster_tells_nothing_about_others() {
        let one = Clusters::new([vec![1.0, 2.0, 3.0]]).unwrap();
        assert_eq!((one.mean().value, one.mean().ci95, one.mean().method), (2.0, None, Method::None));
        assert_eq!(one.quantile(0.5).unwrap().ci95, None);
    }

    #[test]
    fn copies_of_an_observation_add_no_knowledge() {
        let alone = singles(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
        let copied = Clusters::new((1..=8).map(|x| vec![f64::from(x); 100])).unwrap();
        let (a, b) = (alone.mean().ci95.unwrap(), copied.mean().ci95.unwrap());
        assert!((a.0 - b.0).abs() < 1e-12 && (a.1 - b.1).abs() < 1e-12);
        assert_eq!((copied.n(), copied.observations()), (8, 800));
    }

    #[test]
    fn sums_alone_give_the_same_mean() {
        let clusters = [vec![1.0, 2.0, 6.0], vec![], vec![4.0], vec![0.5, 0.25]];
        let whole = Clusters::new(clusters.clone()).unwrap().mean();
        let sums = clusters.iter().map(|cluster| (cluster.iter().sum(), cluster.len() as f64));
        assert_eq!(mean_of_clusters(sums).unwrap(), whole);
        assert_eq!(mean_of_clusters([(6.0, 3.0)]).unwrap(), Estimate { n: 1, ..Estimate::single(2.0) });
        assert_eq!(mean_of_clusters([(0.0, 0.0)]), Err(Error::Empty));
        assert!(matches!(mean_of_clusters([(1.0, 1.0), (f64::NAN, 1.0)]), Err(Error::NotFinite { index: 1, .. })));
    }

    proptest! {
        #[test]
        fn of_single_observations_it_is_the_t_interval(values in prop::collection::vec(-100.0..100.0f64, 2..40)) {
            let clusters = singles(&values).mean().ci95.unwrap();
            let t = mean_interval(&Sample::new(values).unwrap()).ci95.unwrap();
            prop_assert!((clusters.0 - t.0).abs() < 1e-9 && (clusters.1 - t.1).abs() < 1e-9);
        }

        #[test]
        fn the_interval_holds_the_quantile(clusters in prop::collection::vec(prop::collection::vec(-1e3..1e3f64, 0..9), 1..60), p in 0.01..0.99f64) {
            if let Ok(clusters) = Clusters::new(clusters) {
                let estimate = clusters.quantile(p).unwrap();
                if let Some((low, high)) = estimate.ci95 {
                    prop_assert!(low <= estimate.value && estimate.value <= high);
                }
            }
        }
    }
}
