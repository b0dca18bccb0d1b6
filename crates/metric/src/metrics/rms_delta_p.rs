//! How much quantisation moves the probability of the right token.

use units::Missing;

use super::{Better, Metric};
use crate::{CellView, figure::Known, likelihood::beside_full};

pub(super) static METRIC: Metric = Metric {
    name: "rms_delta_p",
    unit: "%",
    better: Better::Lower,
    definition: "root of the mean square over the reference answers' tokens of p of the right token less that of lora-fp16",
    source: "llama.cpp, llama-perplexity --kl-divergence (RMS Δp)",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let (beside, notes) = beside_full(view)?;
    let mean = format!("the mean of the differences is {:+.3}%", beside.mean_delta_p.value * 100.0);
    Ok(Known::from(beside.rms_delta_p.scaled(100.0)).noting(notes).noting([mean]))
}
