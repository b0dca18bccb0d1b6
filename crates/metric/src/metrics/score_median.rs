//! Median over passes of the mean primary mark.

use stats::Estimate;
use units::Missing;

use super::{Better, Metric};
use crate::{CellView, figure::Known, quality::pass_means};

pub(super) static METRIC: Metric = Metric {
    name: "score_median",
    unit: "0..1",
    better: Better::Higher,
    definition: "median of the passes' means of the primary mark",
    source: "Mohammad et al., ACL 2026 Industry, section 4.1 (three passes)",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let (means, notes) = pass_means(view)?;
    let mut sorted = means;
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
    Ok(Known::from(Estimate::single(median)).noting(notes))
}
