//! What a request costs at the hosted model, by its own token counts.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    figure::Known,
    interval::over_runs,
    money::{api_price, hosted},
    runs::Runs,
};

pub(super) static METRIC: Metric = Metric {
    name: "cost_per_request_hosted_usd",
    unit: "USD",
    better: Better::Lower,
    definition: "input tokens · input price + output tokens · output price of the hosted model, by the recorded requests' own counts; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let (prices, price) = (&view.plan().prices, api_price(view)?);
    let costs = Runs::of(view)?.each(|run| Ok(hosted(run, &price)?.get()))?;
    let of = format!("at {}, price of {} ({})", prices.api_name, prices.api_date, prices.api_source);
    Ok(Known::from(over_runs(&costs.values)?).noting(costs.notes).noting([of]))
}
