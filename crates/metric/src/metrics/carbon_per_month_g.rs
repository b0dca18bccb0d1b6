//! Greenhouse gas of a month of the plan's traffic.

use units::Missing;

use super::{Better, Metric, carbon_per_request_g};
use crate::{CellView, figure::Known, money::traffic};

pub(super) static METRIC: Metric = Metric {
    name: "carbon_per_month_g",
    unit: "gCO2e/month",
    better: Better::Lower,
    definition: "carbon of a request · the plan's requests a month; idle machines and the making of the model are not in it",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let requests = traffic(view)?;
    let each = (carbon_per_request_g::METRIC.compute)(view)?;
    Ok(Known { estimate: each.estimate.scaled(requests), ..each })
}
