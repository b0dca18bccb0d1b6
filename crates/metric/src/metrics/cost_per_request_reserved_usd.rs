//! What a request costs when the machine is paid by the hour, busy or not.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    economics::{reserved_of, said},
    figure::Known,
    interval::over_runs,
    runs::Runs,
};

pub(super) static METRIC: Metric = Metric {
    name: "cost_per_request_reserved_usd",
    unit: "USD",
    better: Better::Lower,
    definition: "machine's hourly cost / (sustained requests an hour · the plan's utilisation, or 1 where it tells none); mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let told = view.plan().prices.utilisation;
    let costs = Runs::of(view)?.each(|run| Ok(reserved_of(view, run)?.request(told.unwrap_or(1.0)).map_err(said)?.value()))?;
    let said = match told {
        Some(share) => format!("at utilisation {share}"),
        None => "at utilisation 1, the least it can be: divide by the share of the hour that is really used, or set prices.utilisation"
            .to_owned(),
    };
    Ok(Known::from(over_runs(&costs.values)?).noting(costs.notes).noting([said]))
}
