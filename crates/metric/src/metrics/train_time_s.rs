//! Wall time of the adaptation's process, reading the model included.

use stats::Estimate;
use units::Missing;

use super::{Better, Metric};
use crate::{CellView, figure::Known};

pub(super) static METRIC: Metric = Metric {
    name: "train_time_s",
    unit: "s",
    better: Better::Lower,
    definition: "end − start of the adaptation's process",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let record = view.records.adapt.done("adaptation")?;
    Ok(Estimate::single(record.duration.get()).into())
}
