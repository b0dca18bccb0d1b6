//! How often quantised weights and full precision have the same likeliest token.

use units::Missing;

use super::{Better, Metric};
use crate::{CellView, figure::Known, likelihood::beside_full};

pub(super) static METRIC: Metric = Metric {
    name: "top1_agreement",
    unit: "%",
    better: Better::Higher,
    definition: "share of the reference answers' tokens at which the quantised weights and lora-fp16 have the same likeliest token",
    source: "llama.cpp, llama-perplexity --kl-divergence (same top p)",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let (beside, notes) = beside_full(view)?;
    Ok(Known::from(beside.top1.scaled(100.0)).noting(notes))
}
