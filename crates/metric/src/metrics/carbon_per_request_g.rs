//! Greenhouse gas of a request's energy; the making of the machine is not in it.

use units::{Joules, Missing};

use super::{Better, Metric, energy_per_request_j};
use crate::{CellView, figure::Known};

pub(super) static METRIC: Metric = Metric {
    name: "carbon_per_request_g",
    unit: "gCO2e",
    better: Better::Lower,
    definition: "gross energy of a request · PUE · the grid's intensity; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let prices = &view.plan().prices;
    let grid = prices.grid_gco2e_per_kwh.ok_or_else(|| Missing::because("the plan gives no intensity of the grid"))?;
    let a_joule = econ::carbon(Joules(1.0), prices.pue, grid).map_err(|error| Missing::because(error.to_string()))?;
    let energy = (energy_per_request_j::METRIC.compute)(view)?;
    Ok(Known { estimate: energy.estimate.scaled(a_joule.get()), ..energy })
}
