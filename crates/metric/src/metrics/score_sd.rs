//! Standard deviation over passes of the mean primary mark.

use stats::Estimate;
use units::Missing;

use super::{Better, Metric};
use crate::{CellView, figure::Known, quality::pass_means};

pub(super) static METRIC: Metric = Metric {
    name: "score_sd",
    unit: "0..1",
    better: Better::Lower,
    definition: "standard deviation (n − 1) of the passes' means of the primary mark",
    source: "Mohammad et al., ACL 2026 Industry, section 4.1 (three passes)",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let (means, notes) = pass_means(view)?;
    let mean = means.iter().sum::<f64>() / means.len() as f64;
    let squares: f64 = means.iter().map(|score| (score - mean).powi(2)).sum();
    Ok(Known::from(Estimate::single((squares / (means.len() - 1) as f64).sqrt())).noting(notes))
}
