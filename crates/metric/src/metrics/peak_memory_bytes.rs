//! Most memory the server held: what a machine must have for it.

use units::Missing;

use super::{Better, Metric};
use crate::{CellView, figure::Known, interval::over_runs, levels::peak_note, runs::Runs, stage_energy::peak};

pub(super) static METRIC: Metric = Metric {
    name: "peak_memory_bytes",
    unit: "B",
    better: Better::Lower,
    definition: "peak GPU memory of the server's processes, or resident memory where they use no GPU; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let peaks = Runs::of(view)?.each(|run| peak(&run.record.memory))?;
    let bytes: Vec<f64> = peaks.values.iter().map(|(bytes, _)| bytes.get() as f64).collect();
    let which = peaks.values.iter().map(|(_, which)| format!("peak {which}"));
    Ok(Known::from(over_runs(&bytes)?).noting(peaks.notes).noting(which).noting(peak_note(view)))
}
