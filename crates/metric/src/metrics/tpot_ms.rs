//! Time per output token after the first: one figure a request, unlike the pooled gaps of `itl_ms`.

use record::Request;
use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    figure::Known,
    latency::{median_ms, ms},
    runs::completion,
};

pub(super) static METRIC: Metric = Metric {
    name: "tpot_ms",
    unit: "ms",
    better: Better::Lower,
    definition: "median over requests of (end − first content) / (output tokens − 1); mean over runs",
    source: "MLPerf Inference",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    median_ms(view, of)
}

fn of(request: &Request) -> Result<Vec<f64>, Missing> {
    let tokens = completion(request)?;
    // An answer of a single token has no time per further token.
    let time = request.first_content.filter(|_| tokens > 1).map(|first| ms(first, request.end) / (tokens - 1) as f64);
    Ok(time.into_iter().collect())
}
