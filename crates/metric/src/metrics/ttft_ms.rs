//! Time to first token, from when the request was due: queueing in the client counts.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    figure::Known,
    latency::{median_ms, ttft},
};

pub(super) static METRIC: Metric = Metric {
    name: "ttft_ms",
    unit: "ms",
    better: Better::Lower,
    definition: "median over requests of first content − due; mean over runs",
    source: "MLPerf Inference; vLLM #54101 on coordinated omission",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    median_ms(view, ttft)
}
