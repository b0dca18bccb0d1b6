//! Mean Kullback-Leibler divergence of quantised weights from full precision.

use units::Missing;

use super::{Better, Metric};
use crate::{CellView, figure::Known, likelihood::beside_full};

pub(super) static METRIC: Metric = Metric {
    name: "kl_divergence",
    unit: "nats",
    better: Better::Lower,
    definition: "mean over the reference answers' tokens of Σ p ln (p / q), p of lora-fp16 of the same model and task, q of the quantised weights",
    source: "llama.cpp, llama-perplexity --kl-divergence",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let (beside, notes) = beside_full(view)?;
    Ok(Known::from(beside.kl).noting(notes).noting([format!("the largest of a token is {:.3} nats", beside.kl_max)]))
}
