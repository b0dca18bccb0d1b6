//! What a month of the plan's traffic costs at the hosted model.

use units::Missing;

use super::{Better, Metric, cost_per_request_hosted_usd};
use crate::{CellView, figure::Known, money::traffic};

pub(super) static METRIC: Metric = Metric {
    name: "cost_per_month_hosted_usd",
    unit: "USD/month",
    better: Better::Lower,
    definition: "cost of a request at the hosted model · the plan's requests a month",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let requests = traffic(view)?;
    let each = (cost_per_request_hosted_usd::METRIC.compute)(view)?;
    Ok(Known { estimate: each.estimate.scaled(requests), ..each })
}
