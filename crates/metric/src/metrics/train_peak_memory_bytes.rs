//! Most memory the adaptation held: what a machine must have for it.

use stats::Estimate;
use units::Missing;

use super::{Better, Metric};
use crate::{CellView, figure::Known, stage_energy::peak};

pub(super) static METRIC: Metric = Metric {
    name: "train_peak_memory_bytes",
    unit: "B",
    better: Better::Lower,
    definition: "peak GPU memory of the adaptation's processes, or resident memory where they use no GPU",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let (bytes, which) = peak(&view.records.adapt.done("adaptation")?.memory)?;
    Ok(Known::from(Estimate::single(bytes.get() as f64)).noting([format!("peak {which}")]))
}
