//! Requests of the speed windows that failed; they are in no other figure.

use std::collections::BTreeMap;

use stats::{Estimate, Method};
use units::Missing;

use super::{Better, Metric};
use crate::{CellView, figure::Known, runs::Runs};

pub(super) static METRIC: Metric = Metric {
    name: "requests_failed",
    unit: "requests",
    better: Better::Lower,
    definition: "failed requests of all runs; n is all requests",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let runs = Runs::of(view)?;
    let requests: Vec<_> = runs.iter().flat_map(|run| run.requests).collect();
    if requests.is_empty() {
        return Err(Missing::because("no request was recorded"));
    }
    // A failure is a stable word, then its facts: the word counts, and the first one's facts are shown.
    let mut reasons: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for failure in requests.iter().filter_map(|request| request.failure.as_deref()) {
        let word = failure.split_once(':').map_or(failure, |(word, _)| word);
        reasons.entry(word).or_insert((0, failure)).0 += 1;
    }
    let failed: usize = reasons.values().map(|(count, _)| count).sum();
    let estimate = Estimate { value: failed as f64, ci95: None, n: requests.len(), method: Method::None };
    Ok(Known::from(estimate).noting(reasons.into_values().map(|(count, first)| format!("{count} failed, such as: {first}"))))
}
