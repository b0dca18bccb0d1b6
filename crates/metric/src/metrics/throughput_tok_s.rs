//! Output tokens a second, of all requests together.

use units::Missing;

use super::{Better, Metric};
use crate::{CellView, density::throughput, figure::Known, interval::over_runs, runs::Runs};

pub(super) static METRIC: Metric = Metric {
    name: "throughput_tok_s",
    unit: "tokens/s",
    better: Better::Higher,
    definition: "output tokens of the answered requests / length of the speed window; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let rates = Runs::of(view)?.each(throughput)?;
    Ok(Known::from(over_runs(&rates.values)?).noting(rates.notes))
}
