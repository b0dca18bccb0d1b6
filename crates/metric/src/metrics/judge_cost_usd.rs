//! What a judge's ratings of a cell's answers cost.

use econ::ApiPrice;
use record::Detail;
use stats::Estimate;
use units::{Dollars, Missing, Tokens};

use super::{Better, Metric};
use crate::{CellView, figure::Known, view::Stage};

pub(super) static METRIC: Metric = Metric {
    name: "judge_cost_usd",
    unit: "USD",
    better: Better::Lower,
    definition: "the judge's tokens over all attempts at all answers of the cell, times its price; an answer that comes more than once is paid for once, and counted each time",
    source: "usage told by the judge; the plan's [judge] price",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let spec = view.plan().judge.as_ref().ok_or_else(|| Missing::because("the plan has no judge"))?;
    let (mut input, mut output, mut ratings) = (0, 0, 0);
    for stage in &view.records.rate {
        if let Some((more_input, more_output)) = tokens(stage)? {
            (input, output, ratings) = (input + more_input, output + more_output, ratings + 1);
        }
    }
    if ratings == 0 {
        return Err(Missing::because("no judge rated its answers"));
    }
    let told = format!("{input} input and {output} output tokens over {ratings} ratings of its answers");
    let Some(price) = &spec.price else {
        return Err(Missing::because(format!("the plan gives the judge no price; it took {told}")));
    };
    let rate = ApiPrice::new(price.input_usd_per_mtok, price.output_usd_per_mtok).map_err(|error| Missing::because(error.to_string()))?;
    let Dollars(cost) = rate.cost(Tokens(input), Tokens(output));
    Ok(Known::from(Estimate::single(cost)).noting([told, format!("price of {} ({})", price.date, price.source)]))
}

/// The tokens of a judge's stage; `None` of another rater.
fn tokens(stage: &Stage) -> Result<Option<(u64, u64)>, Missing> {
    match &stage.done("rating")?.detail {
        Detail::Rate(facts) if facts.by.starts_with("judge ") => Ok(Some((*facts.input_tokens.known()?, *facts.output_tokens.known()?))),
        _ => Ok(None),
    }
}
