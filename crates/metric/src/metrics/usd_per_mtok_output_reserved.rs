//! What a million output tokens cost on a machine that is paid by the hour; the prompts' cost is borne by them.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    economics::{reserved_of, said},
    figure::Known,
    interval::over_runs,
    money::utilisation,
    runs::Runs,
};

pub(super) static METRIC: Metric = Metric {
    name: "usd_per_mtok_output_reserved",
    unit: "USD/Mtok",
    better: Better::Lower,
    definition: "machine's hourly cost / (sustained output tokens an hour · the plan's utilisation) · 1e6, that of the input borne by the output; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let share = utilisation(view)?;
    let costs = Runs::of(view)?.each(|run| {
        let tokens = run.output_tokens()? as f64 / run.answered()?.len() as f64;
        Ok(reserved_of(view, run)?.request(share).map_err(said)?.value() / tokens * 1e6)
    })?;
    Ok(Known::from(over_runs(&costs.values)?).noting(costs.notes).noting([format!("at utilisation {share}")]))
}
