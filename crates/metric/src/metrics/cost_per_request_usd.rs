//! What a request costs here by use: its energy and its machine time.

use units::Missing;

use super::{Better, Metric};
use crate::{CellView, figure::Known, interval::over_runs, money::Serving, runs::Runs};

pub(super) static METRIC: Metric = Metric {
    name: "cost_per_request_usd",
    unit: "USD",
    better: Better::Lower,
    definition: "energy of a request · price · PUE + its share of the machine's time · hourly rate; of a hosted engine with a price its tokens · price; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let serving = Serving::of(view)?;
    let per_run = Runs::of(view)?.each(|run| serving.cost(run))?;
    let costs: Vec<f64> = per_run.values.iter().map(|(cost, _)| cost.get()).collect();
    let sources: Vec<_> = per_run.values.iter().filter_map(|(_, source)| *source).collect();
    let (said, source) = serving.notes(view, &sources)?;
    Ok(Known { source, ..Known::from(over_runs(&costs)?) }.noting(per_run.notes).noting(said))
}
