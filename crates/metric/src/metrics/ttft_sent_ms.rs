//! Time to first token, from when the request was sent: beside `ttft_ms` it shows what the client's own queue took.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    figure::Known,
    latency::{median_ms, ms},
};

pub(super) static METRIC: Metric = Metric {
    name: "ttft_sent_ms",
    unit: "ms",
    better: Better::Lower,
    definition: "median over requests of first content − sent; mean over runs",
    source: "MLPerf Inference",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    median_ms(view, |request| Ok(request.first_content.map(|first| ms(request.sent, first)).into_iter().collect()))
}
