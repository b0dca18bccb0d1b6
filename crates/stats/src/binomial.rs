//! The binomial distribution, exact to rounding for any n that fits in memory.
//!
//! Not from a library: the usual incomplete-beta continued fraction stops converging at some tens of thousands of trials,
//! and a window of a serving run has more gaps between tokens than that. The weights are built from the mode outwards by the
//! ratio of neighbours, so nothing overflows and only about sixty standard deviations' worth of terms is ever visited.

/// Number of successes in `n` independent trials of probability `p`.
pub(crate) struct Binomial {
    /// Outcome that `cumulative[0]` belongs to; outcomes below it have no weight in double precision.
    first: usize,
    /// `P(X <= first + i)`.
    cumulative: Vec<f64>,
}

impl Binomial {
    /// `p` is strictly between 0 and 1.
    pub(crate) fn new(n: usize, p: f64) -> Self {
        let mode = (((n + 1) as f64 * p) as usize).min(n);
        let odds = p / (1.0 - p);
        // P(k + 1) / P(k) = (n - k) / (k + 1) * odds
        let ratio = |k: usize| (n - k) as f64 / (k + 1) as f64 * odds;
        let mut weights = vec![1.0];
        let mut first = mode;
        while first > 0 {
            let next = weights[weights.len() - 1] / ratio(first - 1);
            if next < NEGLIGIBLE {
                break;
            }
            weights.push(next);
            first -= 1;
        }
        weights.reverse();
        for k in mode..n {
            let next = weights[weights.len() - 1] * ratio(k);
            if next < NEGLIGIBLE {
                break;
            }
            weights.push(next);
        }
        let total: f64 = weights.iter().sum();
        let mut sum = 0.0;
        let cumulative = weights
            .iter()
            .map(|w| {
                sum += w / total;
                sum.min(1.0)
            })
            .collect();
        Self { first, cumulative }
    }

    /// `P(X <= k)`.
    pub(crate) fn cdf(&self, k: usize) -> f64 {
        match k.checked_sub(self.first) {
            None => 0.0,
            Some(i) => self.cumulative.get(i).copied().unwrap_or(1.0),
        }
    }

    /// The smallest `k` with `P(X <= k) >= level`, for a level below 1.
    pub(crate) fn inverse_cdf(&self, level: f64) -> usize {
        self.first + self.cumulative.partition_point(|&c| c < level).min(self.cumulative.len() - 1)
    }
}

/// Weight relative to the mode's below which an outcome does not change a double.
const NEGLIGIBLE: f64 = 1e-30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_cases_by_hand() {
        let coin = Binomial::new(4, 0.5);
        for (k, want) in [(0, 1.0), (1, 5.0), (2, 11.0), (3, 15.0), (4, 16.0)] {
            assert!((coin.cdf(k) - want / 16.0).abs() < 1e-15);
        }
        assert_eq!(Binomial::new(1, 0.3).inverse_cdf(0.5), 0);
        assert_eq!(Binomial::new(1, 0.7).inverse_cdf(0.5), 1);
        assert!((Binomial::new(10, 0.99).cdf(9) - (1.0 - 0.99_f64.powi(10))).abs() < 1e-14);
    }

    #[test]
    fn agrees_with_statrs_where_that_converges() {
        use statrs::distribution::{Binomial as Reference, DiscreteCDF};
        for (n, p) in [(30, 0.5), (400, 0.9), (1000, 0.03)] {
            let (ours, reference) = (Binomial::new(n, p), Reference::new(p, n as u64).unwrap());
            for k in 0..=n {
                assert!((ours.cdf(k) - reference.cdf(k as u64)).abs() < 1e-11, "n {n} p {p} k {k}");
            }
        }
    }

    #[test]
    fn a_million_trials_follow_the_normal_law() {
        // Mean 500,000, deviation 500: P(X <= mean + 1.96 sd) is 97.5%.
        let many = Binomial::new(1_000_000, 0.5);
        assert!((many.cdf(500_980) - 0.975).abs() < 1e-3);
        assert!((many.cdf(500_000) - 0.5).abs() < 1e-3);
    }
}
