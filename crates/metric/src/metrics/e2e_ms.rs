//! The whole answer, from when the request was due to the end of the stream.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    figure::Known,
    latency::{median_ms, ms},
};

pub(super) static METRIC: Metric = Metric {
    name: "e2e_ms",
    unit: "ms",
    better: Better::Lower,
    definition: "median over requests of end − due; mean over runs",
    source: "MLPerf Inference",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    median_ms(view, |request| Ok(vec![ms(request.due, request.end)]))
}
