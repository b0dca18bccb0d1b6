//! What a hosted model costs. Input and output tokens have prices of their own; the prices' source and date are the plan's.

use units::{Dollars, Tokens};

use crate::error::{Result, checked};

/// Prices of a hosted model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ApiPrice {
    input_usd_per_mtok: f64,
    output_usd_per_mtok: f64,
}

impl ApiPrice {
    /// USD per million input and per million output tokens.
    ///
    /// # Errors
    /// A price that is not above zero: there is nothing to break even with.
    pub fn new(input_usd_per_mtok: f64, output_usd_per_mtok: f64) -> Result<Self> {
        Ok(Self {
            input_usd_per_mtok: checked("the API's input price in USD per million tokens", input_usd_per_mtok, "above 0", |x| x > 0.0)?,
            output_usd_per_mtok: checked("the API's output price in USD per million tokens", output_usd_per_mtok, "above 0", |x| x > 0.0)?,
        })
    }

    /// What these tokens cost.
    pub fn cost(&self, input: Tokens, output: Tokens) -> Dollars {
        Dollars((input.get() as f64 * self.input_usd_per_mtok + output.get() as f64 * self.output_usd_per_mtok) / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_and_output_are_priced_apart() {
        // GPT-4o's prices in the paper's year: 300 · 2.50 + 200 · 10 per million.
        let price = ApiPrice::new(2.5, 10.0).unwrap();
        assert!((price.cost(Tokens(300), Tokens(200)).get() - 0.00275).abs() < 1e-15);
        assert!(ApiPrice::new(0.0, 1.0).is_err() && ApiPrice::new(1.0, -1.0).is_err());
    }
}
