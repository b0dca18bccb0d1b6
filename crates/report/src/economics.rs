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

#[cfg(test)]
mod tests {
    use econ::Reserved;
    use metric::economics::{AtUtilisation, Costs};
    use units::{Dollars, Reading};

    use super::*;

    fn exact(value: f64) -> Range {
        Range::exact(value).unwrap()
    }

    /// 10 USD to make; 0.004 hosted; 0.002 here (0.001 to 0.003), or as much as hosted.
    fn money(own: Range) -> Economics {
        let costs = econ::Costs::new(exact(10.0), exact(0.004), own).unwrap();
        Economics {
            costs: Reading::Known(Costs { making_usd: exact(10.0), hosted_usd: exact(0.004), own_usd: own }),
            break_even: Reading::Known(costs.break_even()),
            over_requests: Reading::Known(costs.over_requests(1e4, 20).unwrap()),
            over_utilisation: Reading::missing("the plan gives the machine's time no price"),
            sensitivity: Reading::missing("not asked"),
            scale_to_zero: Reading::Known(ScaleToZero {
                cold_start: Dollars(0.032),
                warm_hour: Dollars(3.636),
                requests_a_cold_start: econ::break_even(Dollars(0.032), Dollars(0.004), Dollars(own.value())),
                keep_warm_from_per_hour: Some(113.625),
            }),
            notes: Vec::new(),
        }
    }

    #[test]
    fn what_pays_is_said_with_its_ends() {
        let said = sentences(&money(Range::new(0.002, 0.001, 0.003).unwrap()));
        assert_eq!(
            said,
            [
                "break-even after 5000 requests (3333 to 10,000 with every cost at its end)",
                "scale to zero: a cold start (0.0320 USD) must serve 16.0 requests to cost less than hosted; below 114 requests an hour keeping warm loses to stopping",
            ]
        );
    }

    #[test]
    fn never_is_never() {
        let said = sentences(&money(exact(0.004)));
        assert_eq!(said[0], "never: a request costs 4.000e-3 USD here and 4.000e-3 USD at the hosted model");
        assert!(said[1].contains("never costs less than hosted, however many requests it serves"), "{}", said[1]);
        let missing = Economics { break_even: Reading::missing("nothing is to be paid back"), ..money(exact(0.002)) };
        assert_eq!(sentences(&missing)[0], "no break-even: nothing is to be paid back");
    }

    #[test]
    fn utilisation_in_words() {
        // 3.60 USD over 1,000 requests of 100 tokens.
        let reserved =
            Reserved { usd_per_hour: 3.6, requests_per_hour: exact(1000.0), energy_usd_per_request: exact(0.0), idle_usd_per_hour: 0.0 };
        let at = |point: econ::UtilisationPoint| AtUtilisation {
            utilisation: point.utilisation,
            request_usd: point.infer,
            usd_per_mtok_output: point.infer.map(|usd| usd * 1e4).unwrap(),
            break_even: point.break_even,
        };
        let points = reserved.over_utilisation(exact(10.0), exact(0.006), &[0.1, 0.5, 1.0]).unwrap();
        let over = OverUtilisation {
            usd_per_hour: 3.6,
            energy_is_apart: false,
            requests_per_hour: exact(1000.0),
            usage_usd_per_mtok_output: Reading::Known(exact(20.0)),
            least_utilisation: reserved.least_utilisation(Dollars(0.006)).unwrap(),
            points: points.into_iter().map(at).collect(),
        };
        assert_eq!(
            utilisation(&over),
            "by the hour (3.60 USD), a request costs less than hosted from 60.0% utilisation on; USD per million output tokens 360 at 10%, 72.0 at 50%, \
             36.0 at 100%, 20.0 by use"
        );
    }
}
