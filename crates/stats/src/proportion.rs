//! Proportions, and whether two systems differ on the same yes-or-no items.
//!
//! Wilson's score interval: Wilson, JASA 22 (1927); it stays within 0..1 and is honest at 0 of n, where the normal
//! approximation claims certainty. `McNemar`'s test in its exact form: Psychometrika 12 (1947), with the binomial
//! distribution of the discordant pairs instead of the chi-square approximation.

use crate::{Error, Estimate, Method, Result, binomial::Binomial};

/// The 97.5% quantile of the standard normal distribution.
pub(crate) const Z: f64 = 1.959_963_984_540_054;

/// Share of successes with Wilson's score interval.
///
/// # Errors
/// No trial, or more successes than trials.
pub fn wilson(successes: usize, trials: usize) -> Result<Estimate> {
    if trials == 0 || successes > trials {
        return Err(Error::Proportion { successes, trials });
    }
    let n = trials as f64;
    let value = successes as f64 / n;
    let centre = (value + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (value * (1.0 - value) / n + Z * Z / (4.0 * n * n)).sqrt();
    // At 0 and n of n the end is exactly 0 or 1; rounding must not push it past the point.
    let ci95 = ((centre - half).clamp(0.0, value), (centre + half).clamp(value, 1.0));
    Ok(Estimate { value, ci95: Some(ci95), n: trials, method: Method::Wilson })
}

/// What became of the items between two systems, and whether chance alone could do it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct McNemar {
    /// Right before, wrong after.
    pub lost: usize,
    /// Wrong before, right after.
    pub gained: usize,
    /// Items compared.
    pub n: usize,
    /// Two-sided exact p-value; 1 when no item changed.
    pub p_value: f64,
}

impl McNemar {
    /// Share of the items whose mark flipped either way.
    pub fn flip_rate(&self) -> f64 {
        (self.lost + self.gained) as f64 / self.n as f64
    }
}

/// `McNemar`'s exact test over the same items: `(before, after)`, each right or wrong.
///
/// # Errors
/// No pair.
pub fn mcnemar(pairs: &[(bool, bool)]) -> Result<McNemar> {
    if pairs.is_empty() {
        return Err(Error::Empty);
    }
    let count = |which: (bool, bool)| pairs.iter().filter(|&&pair| pair == which).count();
    let (lost, gained) = (count((true, false)), count((false, true)));
    Ok(McNemar { lost, gained, n: pairs.len(), p_value: sign_test(lost, gained) })
}

/// Two-sided exact probability that a fair coin is at least as uneven as this.
fn sign_test(heads: usize, tails: usize) -> f64 {
    if heads + tails == 0 {
        return 1.0;
    }
    (2.0 * Binomial::new(heads + tails, 0.5).cdf(heads.min(tails))).min(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wilson_by_hand() {
        // 8 of 10 (Agresti & Coull 1998 style check): centre (0.8 + 0.192073) / 1.384146.
        let (low, high) = wilson(8, 10).unwrap().ci95.unwrap();
        assert!((low - 0.490_16).abs() < 1e-4 && (high - 0.943_32).abs() < 1e-4, "{low} {high}");
        // 0 of n: the upper end is z² / (n + z²), the lower exactly 0.
        let (low, high) = wilson(0, 20).unwrap().ci95.unwrap();
        assert_eq!(low, 0.0);
        assert!((high - Z * Z / (20.0 + Z * Z)).abs() < 1e-12);
        assert!(wilson(1, 0).is_err() && wilson(3, 2).is_err());
    }

    #[test]
    fn mcnemar_by_hand() {
        // 1 lost, 6 gained: 2 (1 + 7) / 2^7 = 0.125.
        let mut pairs = vec![(true, true); 10];
        pairs.push((true, false));
        pairs.extend([(false, true); 6]);
        let test = mcnemar(&pairs).unwrap();
        assert_eq!((test.lost, test.gained, test.n), (1, 6, 17));
        assert!((test.p_value - 0.125).abs() < 1e-12);
        assert!((test.flip_rate() - 7.0 / 17.0).abs() < 1e-12);
        assert_eq!(mcnemar(&[(true, true)]).unwrap().p_value, 1.0);
        assert_eq!(mcnemar(&[(true, false), (false, true)]).unwrap().p_value, 1.0);
        assert!(mcnemar(&[]).is_err());
    }

    proptest! {
        #[test]
        fn wilson_holds_the_share_within_0_and_1((trials, successes) in (1usize..500).prop_flat_map(|n| (Just(n), 0..=n))) {
            let estimate = wilson(successes, trials).unwrap();
            let (low, high) = estimate.ci95.unwrap();
            prop_assert!(0.0 <= low && low <= estimate.value && estimate.value <= high && high <= 1.0);
            // Counting failures instead mirrors the interval.
            let (low2, high2) = wilson(trials - successes, trials).unwrap().ci95.unwrap();
            prop_assert!((low + high2 - 1.0).abs() < 1e-12 && (high + low2 - 1.0).abs() < 1e-12);
        }

        #[test]
        fn mcnemar_is_symmetric(pairs in prop::collection::vec(any::<(bool, bool)>(), 1..80)) {
            let swapped: Vec<_> = pairs.iter().map(|&(a, b)| (b, a)).collect();
            prop_assert_eq!(mcnemar(&pairs).unwrap().p_value, mcnemar(&swapped).unwrap().p_value);
        }
    }
}
