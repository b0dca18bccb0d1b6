//! Inter-token latency: the gaps between tokens, pooled over the requests of a run.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    figure::Known,
    latency::{median_ms, token_gaps},
};

pub(super) static METRIC: Metric = Metric {
    name: "itl_ms",
    unit: "ms",
    better: Better::Lower,
    definition: "median over all gaps between tokens, pooled (an answer whose events carry several tokens counts its mean gap once a token); mean over runs",
    source: "the ITL of vLLM's and GenAI-Perf's clients, counted by tokens instead of chunks",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    median_ms(view, token_gaps)
}
