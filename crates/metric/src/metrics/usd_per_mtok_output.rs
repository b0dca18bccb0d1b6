//! What a million output tokens cost here by use; the prompts' cost is borne by them.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    figure::Known,
    interval::over_runs,
    money::Serving,
    runs::{Run, Runs},
};

pub(super) static METRIC: Metric = Metric {
    name: "usd_per_mtok_output",
    unit: "USD/Mtok",
    better: Better::Lower,
    definition: "cost of a request by use / its output tokens · 1e6, that of its input borne by the output; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let serving = Serving::of(view)?;
    let per_run = Runs::of(view)?.each(|run: &Run| {
        let (cost, source) = serving.cost(run)?;
        let tokens = run.output_tokens()? as f64 / run.answered()?.len() as f64;
        let price = econ::usd_per_mtok(cost, tokens).map_err(|error| Missing::because(error.to_string()))?;
        Ok((price.get(), source))
    })?;
    let sources: Vec<_> = per_run.values.iter().filter_map(|(_, source)| *source).collect();
    let (said, source) = serving.notes(view, &sources)?;
    let prices: Vec<f64> = per_run.values.iter().map(|(price, _)| *price).collect();
    Ok(Known { source, ..Known::from(over_runs(&prices)?) }.noting(per_run.notes).noting(said))
}
