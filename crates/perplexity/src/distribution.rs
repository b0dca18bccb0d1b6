//! The distribution of the next token that logits stand for, in f64: f32 logits of 100,000 tokens added up in f32 would lose what a
//! quantisation to 8 bits changes.

/// Logits that stand for no distribution.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum NotNumbers {
    /// One of them is NaN or +∞.
    #[error("the logit of token {token} is {value}")]
    Logit {
        /// The first such token.
        token: usize,
        /// Its logit.
        value: f32,
    },
    /// None of them is above −∞.
    #[error("no token has a logit above -inf")]
    Nothing,
}

/// A softmax over logits. A logit of −∞ stands for a probability of 0.
#[derive(Clone, Copy, Debug)]
pub struct Distribution<'a> {
    logits: &'a [f32],
    /// ln Σ exp(logit).
    log_sum: f64,
    likeliest: usize,
}

impl<'a> Distribution<'a> {
    /// The softmax of logits, `[vocab]`.
    ///
    /// # Errors
    /// [`NotNumbers`] where there is none.
    pub fn new(logits: &'a [f32]) -> Result<Self, NotNumbers> {
        let (mut likeliest, mut top) = (None, f32::NEG_INFINITY);
        for (token, &value) in logits.iter().enumerate() {
            if value.is_nan() || value == f32::INFINITY {
                return Err(NotNumbers::Logit { token, value });
            }
            if value > top {
                (likeliest, top) = (Some(token), value);
            }
        }
        let likeliest = likeliest.ok_or(NotNumbers::Nothing)?;
        let top = f64::from(top);
        let sum: f64 = logits.iter().map(|&logit| (f64::from(logit) - top).exp()).sum();
        Ok(Self { logits, log_sum: top + sum.ln(), likeliest })
    }

    /// ln p of a token of the vocabulary.
    pub fn ln_p(&self, token: usize) -> f64 {
        f64::from(self.logits[token]) - self.log_sum
    }

    /// The likeliest token; the first of several that are equally likely.
    pub fn likeliest(&self) -> usize {
        self.likeliest
    }

    /// The Kullback-Leibler divergence of `other` from this one, `Σ p (ln p − ln q)` with p of this and q of `other`, in nats: 0 where both are
    /// the same, infinite where `other` rules out what this one does not. Both are over the same vocabulary.
    pub fn divergence(&self, other: &Self) -> f64 {
        let term = |(&p, &q): (&f32, &f32)| {
            let ln_p = f64::from(p) - self.log_sum;
            let share = ln_p.exp();
            if share > 0.0 { share * (ln_p - (f64::from(q) - other.log_sum)) } else { 0.0 }
        };
        // The terms have both signs, and add up to a rounding error below 0 where the distributions hardly differ.
        self.logits.iter().zip(other.logits).map(term).sum::<f64>().max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Logits whose softmax is this.
    fn logits(probabilities: &[f64]) -> Vec<f32> {
        probabilities.iter().map(|p| p.ln() as f32 + 3.0).collect()
    }

    #[test]
    fn of_probabilities_that_are_known() {
        let (p, q) = (logits(&[0.5, 0.25, 0.25]), logits(&[0.25, 0.25, 0.5]));
        let (p, q) = (Distribution::new(&p).unwrap(), Distribution::new(&q).unwrap());
        assert!((p.ln_p(1) - 0.25_f64.ln()).abs() < 1e-7);
        assert_eq!((p.likeliest(), q.likeliest()), (0, 2));
        // 0.5 ln 2 + 0.25 ln 1 + 0.25 ln 0.5
        assert!((p.divergence(&q) - 0.25 * 2.0_f64.ln()).abs() < 1e-7);
        assert!(p.divergence(&p).abs() < f64::EPSILON);
    }

    #[test]
    fn logits_far_from_0_overflow_nothing() {
        let far = [80_000.0, 80_000.0, -80_000.0];
        let distribution = Distribution::new(&far).unwrap();
        assert!((distribution.ln_p(0) + 2.0_f64.ln()).abs() < 1e-9);
        assert!((distribution.ln_p(2) + 160_000.0 + 2.0_f64.ln()).abs() < 1e-9);
    }

    #[test]
    fn what_is_ruled_out_has_no_share_and_ruling_it_out_is_infinitely_far() {
        let (two, all) = ([0.0, 0.0, f32::NEG_INFINITY], [0.0, 0.0, 0.0]);
        let (two, all) = (Distribution::new(&two).unwrap(), Distribution::new(&all).unwrap());
        assert!((two.divergence(&all) - 1.5_f64.ln()).abs() < 1e-12);
        assert!(all.divergence(&two).is_infinite());
    }

    #[test]
    fn what_is_no_number_is_an_error() {
        let problem = |logits: &[f32]| Distribution::new(logits).unwrap_err().to_string();
        assert_eq!(problem(&[1.0, f32::NAN]), "the logit of token 1 is NaN");
        assert_eq!(problem(&[f32::INFINITY, 0.0]), "the logit of token 0 is inf");
        assert_eq!(problem(&[f32::NEG_INFINITY; 2]), "no token has a logit above -inf");
        assert_eq!(problem(&[]), "no token has a logit above -inf");
    }

    proptest! {
        #[test]
        fn probabilities_add_up_and_divergence_is_not_negative(pairs in prop::collection::vec((-30.0..30.0f32, -30.0..30.0f32), 1..200)) {
            let (p, q): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let (p, q) = (Distribution::new(&p).unwrap(), Distribution::new(&q).unwrap());
            let sum: f64 = (0..p.logits.len()).map(|token| p.ln_p(token).exp()).sum();
            prop_assert!((sum - 1.0).abs() < 1e-12);
            prop_assert!(p.divergence(&q) >= 0.0 && p.divergence(&q).is_finite());
        }

        #[test]
        fn a_shift_of_all_logits_changes_nothing(p in prop::collection::vec(-8.0..8.0f32, 2..50), shift in -4.0..4.0f32) {
            let shift = shift.round();
            let moved: Vec<f32> = p.iter().map(|logit| logit + shift).collect();
            let (p, moved) = (Distribution::new(&p).unwrap(), Distribution::new(&moved).unwrap());
            prop_assert!((p.ln_p(1) - moved.ln_p(1)).abs() < 1e-5 && p.divergence(&moved) < 1e-9);
        }
    }
}
