//! Size of the served weights on disk.

use units::Missing;

use super::{Better, Metric};
use crate::{CellView, figure::Known, interval::over_runs, runs::Runs};

pub(super) static METRIC: Metric = Metric {
    name: "weights_bytes",
    unit: "B",
    better: Better::Lower,
    definition: "bytes of the weight files that the server reads",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let sizes = Runs::of(view)?.each(|run| Ok(run.facts.weights_disk.get() as f64))?;
    Ok(Known::from(over_runs(&sizes.values)?).noting(sizes.notes))
}
