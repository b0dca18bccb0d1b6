//! Energy of a cold start above idle power.

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
    name: "load_energy_net_j",
    unit: "J",
    better: Better::Lower,
    definition: "energy from spawn to the first token served, less idle power over that time; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let known = mean(view, |run| energy::read(run.record, "load", Kind::Net))?;
    Ok(known.noting(page_cache_note(view)))
}
