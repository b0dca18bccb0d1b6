//! Energy of a cold start, idle power included.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    cold_start::page_cache_note,
    energy::{self, Kind},
    figure::Known,
    serving_energy::mean,
};

pub(super) static METRIC: Metric = Metric {
    name: "load_energy_j",
    unit: "J",
    better: Better::Lower,
    definition: "gross energy from spawn to the first token served; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let known = mean(view, |run| energy::read(run.record, "load", Kind::Gross))?;
    Ok(known.noting(page_cache_note(view)))
}
