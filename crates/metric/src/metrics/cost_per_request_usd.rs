//! What a request costs here by use: its energy and its machine time.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    figure::Known,
    interval::over_runs,
    money::{notes, served, tariff},
    runs::Runs,
    serving_energy::attribution_note,
};

pub(super) static METRIC: Metric = Metric {
    name: "cost_per_request_usd",
    unit: "USD",
    better: Better::Lower,
    definition: "energy of a request · price · PUE + its share of the machine's time · hourly rate; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let tariff = tariff(view)?;
    let per_run = Runs::of(view)?.each(|run| served(run, &tariff))?;
    let (costs, sources): (Vec<f64>, Vec<_>) = per_run.values.iter().map(|(cost, source)| (cost.get(), *source)).unzip();
    let (said, source) = notes(view, &sources)?;
    Ok(Known { source, ..Known::from(over_runs(&costs)?) }.noting(per_run.notes).noting(said).noting(attribution_note(view)))
}
