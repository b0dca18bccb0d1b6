//! The money of each variant as the report says it: the curves and tables that `metric` computed, and a short form in words.

use econ::{BreakEven, BreakEvenRange, Range, ScaleToZero};
use metric::{
    CellView,
    economics::{Economics, OverUtilisation},
};
use serde::{Deserialize, Serialize};

use crate::{document::CellFigures, number};

/// The money of one variant beside the hosted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VariantEconomics {
    /// Model family.
    pub family: String,
    /// Model tier.
    pub tier: String,
    /// Task name.
    pub task: String,
    /// Strategy.
    pub strategy: String,
    /// Engine kind.
    pub engine: String,
    /// The hosted model that it is compared with.
    pub hosted: String,
    /// Curves and tables; each part is known or missing with its reason.
    pub money: Economics,
    /// The short form: break-even, what moves it, utilisation and scale to zero, where they are known.
    pub sentences: Vec<String>,
}

/// Of one variant.
pub(crate) fn of(view: &CellView<'_>) -> VariantEconomics {
    let (cell, money) = (view.cell(), metric::economics::economics(view));
    VariantEconomics {
        family: cell.family.clone(),
        tier: cell.tier.clone(),
        task: cell.task.clone(),
        strategy: cell.strategy.name().into(),
        engine: cell.engine.clone(),
        hosted: view.plan().prices.api_name.clone(),
        sentences: sentences(&money),
        money,
    }
}

impl VariantEconomics {
    /// Whether it is of the variant that these figures are of.
    pub fn is_of(&self, cell: &CellFigures) -> bool {
        (&self.family, &self.tier, &self.task, &self.strategy, &self.engine)
            == (&cell.family, &cell.tier, &cell.task, &cell.strategy, &cell.engine)
    }

    /// `LLaMA 1B, rag, lora-int4, embedded`.
    pub fn label(&self) -> String {
        format!("{} {}, {}, {}, {}", self.family, self.tier, self.task, self.strategy, self.engine)
    }
}

/// What is known, one sentence a part. Why break-even is missing is said too.
fn sentences(money: &Economics) -> Vec<String> {
    let break_even = match money.break_even.known() {
        Ok(at) => at_which(at),
        Err(why) => format!("no break-even: {why}"),
    };
    let setup = money.sensitivity.known().ok().and_then(|sensitivity| sensitivity.requests_per_setup_usd);
    let setup = setup.map(|requests| format!("each USD of C_setup puts it off by {} requests", digits(requests)));
    let moved = money.swings().first().filter(|swing| swing.effect > 0.0);
    let moved = moved.map(|swing| format!("moved most by {} (from {} to {})", swing.input.name(), digits(swing.low), digits(swing.high)));
    let first: Vec<String> = [Some(break_even), moved, setup].into_iter().flatten().collect();
    let reserved = money.over_utilisation.known().ok().map(utilisation);
    let stopping = money.scale_to_zero.known().ok().map(stopping);
    [Some(first.join("; ")), reserved, stopping].into_iter().flatten().collect()
}

/// `after 142 requests (138 to 146 with every cost at its end)`.
fn at_which(at: &BreakEvenRange) -> String {
    let BreakEven::After { requests } = at.value else { return reason(&at.value) };
    let ends = format!("{} to {}", end(&at.earliest), end(&at.latest));
    let ends = if at.earliest == at.latest { String::new() } else { format!(" ({ends} with every cost at its end)") };
    format!("break-even after {} requests{ends}", digits(requests))
}

fn end(at: &BreakEven) -> String {
    at.requests().map_or_else(|| "never".to_owned(), digits)
}

fn reason(at: &BreakEven) -> String {
    match at {
        BreakEven::After { requests } => digits(*requests),
        BreakEven::Never { reason } => reason.clone(),
    }
}

fn utilisation(over: &OverUtilisation) -> String {
    let at = |share: f64| over.points.iter().find(|point| (point.utilisation - share).abs() < 1e-9);
    let usd = |range: &Range| digits(range.value());
    let least = match over.least_utilisation {
        Some(share) => format!("a request costs less than hosted from {}% utilisation on", digits(100.0 * share)),
        None => "a request never costs less than hosted, however well the machine is used".to_owned(),
    };
    let price = |share| at(share).map_or_else(String::new, |point| usd(&point.usd_per_mtok_output));
    let usage = over.usage_usd_per_mtok_output.known().map_or_else(|_| "-".to_owned(), usd);
    format!(
        "by the hour ({} USD), {least}; USD per million output tokens {} at 10%, {} at 50%, {} at 100%, {usage} by use",
        digits(over.usd_per_hour),
        price(0.1),
        price(0.5),
        price(1.0)
    )
}

fn stopping(zero: &ScaleToZero) -> String {
    let served = match &zero.requests_a_cold_start {
        BreakEven::After { requests } => format!("must serve {} requests to cost less than hosted", digits(*requests)),
        BreakEven::Never { .. } => "never costs less than hosted, however many requests it serves".to_owned(),
    };
    let keep = match zero.keep_warm_from_per_hour {
        None => "keeping warm never pays: a cold start costs nothing".to_owned(),
        Some(from) => format!("below {} requests an hour keeping warm loses to stopping", digits(from)),
    };
    format!("scale to zero: a cold start ({} USD) {served}; {keep}", digits(zero.cold_start.get()))
}

/// Three digits, as tables print them.
fn digits(value: f64) -> String {
    number::text(value, None, "").value
}
