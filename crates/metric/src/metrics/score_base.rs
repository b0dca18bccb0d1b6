//! Score of the base model, without any adaptation, on the same items.

use plan::Strategy;
use units::Missing;

use super::{Better, Metric, score};
use crate::{CellView, figure::Known};

pub(super) static METRIC: Metric = Metric {
    name: "score_base",
    unit: "0..1",
    better: Better::Higher,
    definition: "`score` of the base-fp16 cell of the same model, task and engine",
    source: "the mark's own; see the task",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    (score::METRIC.compute)(&view.sibling(Strategy::BaseFp16)?)
}
