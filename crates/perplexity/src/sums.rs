//! One token of an answer, and the sums over the tokens of an item that records keep.

use record::{Divergence, Likelihood};

use crate::{Distribution, NotNumbers};

/// What a model makes of one token of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token {
    /// −ln p of the right token, in nats.
    pub nll: f64,
    /// Beside full precision.
    pub beside: Option<Beside>,
}

/// What full precision makes of the same token, and how far apart the two are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beside {
    /// −ln p of the right token in full precision, in nats.
    pub full_nll: f64,
    /// Divergence from full precision, in nats.
    pub divergence: f64,
    /// Whether both have the same likeliest token.
    pub same_top: bool,
    /// p of the right token less that in full precision.
    pub delta_p: f64,
}

impl Token {
    /// Of the logits of a model, `[vocab]`, where `right` comes next; `full` are those of full precision.
    ///
    /// # Errors
    /// [`NotNumbers`] of either.
    pub fn of(logits: &[f32], full: Option<&[f32]>, right: usize) -> Result<Self, NotNumbers> {
        let own = Distribution::new(logits)?;
        let nll = -own.ln_p(right);
        let Some(full) = full else { return Ok(Self { nll, beside: None }) };
        let full = Distribution::new(full)?;
        let beside = Beside {
            full_nll: -full.ln_p(right),
            divergence: full.divergence(&own),
            same_top: full.likeliest() == own.likeliest(),
            delta_p: own.ln_p(right).exp() - full.ln_p(right).exp(),
        };
        Ok(Self { nll, beside: Some(beside) })
    }
}

/// Sums over the tokens of an item, in the order of its tokens.
#[derive(Clone, Debug, Default)]
pub struct Sums {
    tokens: u32,
    nll: f64,
    beside: Option<Divergence>,
}

impl Sums {
    /// Adds a token. All of an item are beside full precision, or none.
    pub fn add(&mut self, token: &Token) {
        self.tokens += 1;
        self.nll += token.nll;
        let Some(beside) = token.beside else { return };
        let sums = self.beside.get_or_insert_default();
        sums.full_nll += beside.full_nll;
        sums.kl += beside.divergence;
        sums.kl_max = sums.kl_max.max(beside.divergence);
        sums.same_top += u32::from(beside.same_top);
        sums.delta_p += beside.delta_p;
        sums.delta_p_squared += beside.delta_p.powi(2);
    }

    /// The item's likelihood; `None` where it is infinite, or the divergence is.
    pub fn finish(self) -> Option<Likelihood> {
        let finite = self.nll.is_finite() && self.beside.as_ref().is_none_or(|sums| sums.full_nll.is_finite() && sums.kl.is_finite());
        finite.then_some(Likelihood { tokens: self.tokens, nll: self.nll, beside: self.beside })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two tokens over a vocabulary of two: p of the right one 0.5 and 0.25, in full precision 0.75 and 0.75.
    #[test]
    fn an_item_worked_out_by_hand() {
        let ln = |p: f64| p.ln() as f32;
        let full = [ln(0.75), ln(0.25)];
        let mut sums = Sums::default();
        sums.add(&Token::of(&[ln(0.5), ln(0.5)], Some(&full), 0).unwrap());
        sums.add(&Token::of(&[ln(0.25), ln(0.75)], Some(&full), 0).unwrap());
        let Likelihood { tokens, nll, beside } = sums.finish().unwrap();
        let close = |got: f64, want: f64| assert!((got - want).abs() < 1e-6, "{got} is not {want}");
        assert_eq!(tokens, 2);
        close(nll, 2.0_f64.ln() + 4.0_f64.ln());
        let beside = beside.unwrap();
        close(beside.full_nll, -2.0 * 0.75_f64.ln());
        // 0.75 ln 1.5 + 0.25 ln 0.5, and 0.75 ln 3 + 0.25 ln (1/3).
        let (first, second) = (0.75 * 1.5_f64.ln() + 0.25 * 0.5_f64.ln(), 0.5 * 3.0_f64.ln());
        close(beside.kl, first + second);
        close(beside.kl_max, second);
        // Of two equal ones the first is the likeliest.
        assert_eq!(beside.same_top, 1);
        close(beside.delta_p, -0.75);
        close(beside.delta_p_squared, 0.0625 + 0.25);
    }

    #[test]
    fn alone_there_is_nothing_beside_and_an_impossible_token_has_no_sum() {
        let mut sums = Sums::default();
        sums.add(&Token::of(&[0.0, 0.0], None, 1).unwrap());
        assert_eq!(sums.clone().finish().unwrap().beside, None);
        sums.add(&Token::of(&[0.0, f32::NEG_INFINITY], None, 1).unwrap());
        assert!(sums.finish().is_none());
        assert!(Token::of(&[0.0, f32::NAN], None, 0).is_err() && Token::of(&[0.0, 0.0], Some(&[f32::NAN, 0.0]), 0).is_err());
    }
}
