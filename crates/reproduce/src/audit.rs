//! What else the logs show than the tables: one check a question, each with the numbers it rests on. No conclusion is written down here: a
//! check computes its numbers from the logs, and what it says follows from them. What the authors' code says is in `code.rs`.

mod energy;
mod frontier;
mod money;
mod quality;
mod serving;
mod training;

pub(crate) use serving::at_once;

use units::Missing;

use crate::{
    aggregate::Table,
    document::{Finding, Number},
    logs::Logs,
};

/// What a check has found.
pub(crate) struct Found {
    holds: Option<bool>,
    finding: String,
    numbers: Vec<Number>,
}

/// One check.
pub(crate) struct Check {
    name: &'static str,
    claim: Option<&'static str>,
    rests_on: &'static [&'static str],
    find: fn(&Logs, &[Table]) -> Result<Found, Missing>,
}

/// Every check, in the order in which findings are told.
const CHECKS: &[&Check] = &[
    &serving::CONCURRENCY,
    &serving::LENGTHS,
    &serving::CODE,
    &energy::GPU_POWER,
    &energy::LOAD,
    &energy::CONSISTENCY,
    &training::QUANTISATION,
    &training::QLORA,
    &training::FIGURE_1,
    &training::ODD_ROWS,
    &money::API_PRICE,
    &money::LEFT_OUT,
    &serving::SIZES,
    &frontier::FRONTIER,
    &quality::CAPTION,
    &quality::RUNS,
    &quality::ROUGE_ROW,
    &quality::JUDGE,
];

/// Every finding.
pub(crate) fn all(logs: &Logs, tables: &[Table]) -> Vec<Finding> {
    CHECKS.iter().map(|check| check.finding(logs, tables)).collect()
}

impl Check {
    fn finding(&self, logs: &Logs, tables: &[Table]) -> Finding {
        let found = (self.find)(logs, tables).unwrap_or_else(|why| Found {
            holds: None,
            finding: format!("cannot be told: {why}"),
            numbers: Vec::new(),
        });
        Finding {
            name: self.name.to_owned(),
            claim: self.claim.map(str::to_owned),
            holds: found.holds,
            finding: found.finding,
            numbers: found.numbers,
            rests_on: self.rests_on.iter().map(|&source| source.to_owned()).collect(),
        }
    }
}

/// A number with its name.
fn number(name: impl Into<String>, value: f64, unit: &str) -> Number {
    Number { name: name.into(), value, unit: unit.to_owned() }
}

/// A number in three digits.
fn digits(value: f64) -> String {
    report::number(value, None, "").value
}

/// At least one value.
fn some(values: Vec<f64>, what: &str) -> Result<Vec<f64>, Missing> {
    if values.is_empty() { Err(Missing::because(format!("the logs hold no {what}"))) } else { Ok(values) }
}

/// Plural by number: `1 row`, `2 rows`.
fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
