//! Checks of break-even: what the hosted model is taken to cost, and what is left out here.

use metric::paper;

use super::{Check, Found, digits, number, some};
use crate::{
    aggregate::{largest, median, smallest},
    logs::{Logs, Serving},
    tables::{INT4, n_break, rows_of_one},
};

/// The price of output tokens.
pub(super) const API_PRICE: Check = Check {
    name: "api-price",
    claim: Some("C_api is what a request costs at GPT-4o"),
    rests_on: &["GPT-4o's prices of the paper's year: 2.50 USD per million input tokens, 10 USD per million output tokens"],
    find: |logs, _| {
        let factors = some(quantised(logs).map(|row| with_output(row) / paper::api_cost().get()).collect(), "row in INT4")?;
        let finding = format!(
            "{} tokens at the input price of {} USD per million are {} USD, the answer's tokens among them. With the answer at the output price of \
             {} USD a request costs {} to {} times as much, and break-even comes that much earlier",
            paper::API_TOKENS,
            paper::API_INPUT_USD_PER_MTOK,
            digits(paper::api_cost().get()),
            paper::API_OUTPUT_USD_PER_MTOK,
            digits(smallest(&factors)),
            digits(largest(&factors))
        );
        let numbers = vec![
            number("C_api as computed", paper::api_cost().get(), "USD"),
            number("smallest factor with output priced", smallest(&factors), "×"),
            number("largest factor with output priced", largest(&factors), "×"),
        ];
        Ok(Found { holds: Some(largest(&factors) < 1.05), finding, numbers })
    },
};

/// A request's price with its answer at the output price.
fn with_output(row: &Serving) -> f64 {
    let output = (row.tokens as f64 / row.requests as f64).min(paper::API_TOKENS);
    ((paper::API_TOKENS - output) * paper::API_INPUT_USD_PER_MTOK + output * paper::API_OUTPUT_USD_PER_MTOK) / 1e6
}

/// `C_setup` is 0 and `C_infer` is energy alone.
pub(super) const LEFT_OUT: Check = Check {
    name: "costs-left-out",
    claim: Some("break-even weighs setup and serving costs"),
    rests_on: &[],
    find: |logs, _| {
        let share = |row: &Serving| paper::energy_cost(row.per_request()).get() / paper::api_cost().get();
        let shares = some(quantised(logs).map(share).collect(), "row in INT4")?;
        let hour = |row: &Serving| paper::api_cost().get() * row.requests as f64 / row.time.get() * 3600.0;
        let hours: Vec<f64> = quantised(logs).map(hour).collect();
        let mut scopes = Vec::new();
        for model in crate::Model::all() {
            let alone = rows_of_one(logs, model, |logs, variant| n_break(logs, variant, false))?;
            let all = rows_of_one(logs, model, |logs, variant| n_break(logs, variant, true))?;
            scopes.extend(all.iter().zip(&alone).map(|(all, alone)| all / alone - 1.0));
        }
        let finding = format!(
            "C_setup is 0 and C_infer is energy alone, at most {}% of C_api (median {}%): break-even is C_train / C_api to within that. Merge and \
             quantisation would add at most {}% (median {}%). At the load of the logs a machine would have to cost {} USD an hour or more before a \
             request costs as much here",
            digits(100.0 * largest(&shares)),
            digits(100.0 * median(&shares)),
            digits(100.0 * largest(&scopes)),
            digits(100.0 * median(&scopes)),
            digits(smallest(&hours))
        );
        let numbers = vec![
            number("largest C_infer over C_api", 100.0 * largest(&shares), "%"),
            number("median C_infer over C_api", 100.0 * median(&shares), "%"),
            number("largest addition of merge and quantisation", 100.0 * largest(&scopes), "%"),
            number("lowest machine price at which it never pays", smallest(&hours), "USD/h"),
        ];
        Ok(Found { holds: Some(largest(&shares) > 0.01), finding, numbers })
    },
};

fn quantised(logs: &Logs) -> impl Iterator<Item = &Serving> {
    logs.serving.iter().filter(|row| INT4.contains(&row.variant.strategy))
}
