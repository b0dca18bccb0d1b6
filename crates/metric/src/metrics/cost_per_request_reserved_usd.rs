//! What a request costs when the machine is paid by the hour, busy or not.

use units::{Dollars, Missing};

use super::{Better, Metric};
use crate::{
    CellView,
    figure::Known,
    interval::over_runs,
    money::{engine_price, tariff},
    runs::Runs,
};

pub(super) static METRIC: Metric = Metric {
    name: "cost_per_request_reserved_usd",
    unit: "USD",
    better: Better::Lower,
    definition: "machine's hourly rate / sustained requests an hour, at full utilisation; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    if engine_price(view)?.is_some() {
        return Err(Missing::because("the engine is paid by its tokens, not by the hour"));
    }
    let rate = tariff(view)?.usd_per_hour().ok_or_else(|| Missing::because("the plan gives the machine's time no price"))?;
    let costs = Runs::of(view)?.each(|run| {
        let an_hour = run.answered()?.len() as f64 / run.window()?.get() * 3600.0;
        econ::reservation_cost(rate, an_hour, 1.0).map(Dollars::get).map_err(|error| Missing::because(error.to_string()))
    })?;
    let known = Known::from(over_runs(&costs.values)?).noting(costs.notes);
    Ok(known.noting(["at utilisation 1, the least it can be: divide by the share of the hour that is really used".to_owned()]))
}
