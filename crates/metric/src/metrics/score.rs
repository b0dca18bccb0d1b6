//! Mean of the task's primary mark over the held-out items.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    figure::Known,
    quality::{Marks, mean},
};

pub(super) static METRIC: Metric = Metric {
    name: "score",
    unit: "0..1",
    better: Better::Higher,
    definition: "mean over items of the primary mark that the plan names",
    source: "the mark's own; see the task",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let marks = Marks::of(view)?;
    let estimate = mean(&marks.values(), view.plan().seed)?;
    Ok(Known::from(estimate).noting(marks.notes).noting([format!("mark: {}", marks.name)]))
}
