//! How many requests a cold start must serve before it has paid, against the hosted model.

use econ::{BreakEven, break_even};
use units::{Dollars, Missing};

use super::{Better, Metric};
use crate::{
    CellView,
    cold_start::page_cache_note,
    economics::{cold_start, stopping},
    energy,
    figure::Known,
    interval::{composite, mean_at},
    money::{Serving, api_price, hosted},
    runs::Runs,
};

pub(super) static METRIC: Metric = Metric {
    name: "requests_per_cold_start",
    unit: "requests",
    better: Better::Lower,
    definition: "cost of a cold start / (C_api − C_infer): what a server that is stopped when nobody asks must serve before the next stop; missing where that is never",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let (tariff, serving, price) = (stopping(view)?, Serving::of(view)?, api_price(view)?);
    let per_run = Runs::of(view)?.each(|run| {
        let start = cold_start(run)?;
        let (own, source) = serving.cost(run)?;
        Ok((
            [tariff.work(start.metered.energy, start.time).get(), hosted(run, &price)?.get(), own.get()],
            [Some(start.metered.source), source],
        ))
    })?;
    let source = energy::worst(per_run.values.iter().flat_map(|(_, sources)| *sources).flatten())?;
    let column = |i: usize| per_run.values.iter().map(|(costs, _)| costs[i]).collect::<Vec<f64>>();
    let (start, api, own) = (column(0), column(1), column(2));
    let at = |picks: &[usize]| {
        let [start, api, own] = [&start, &api, &own].map(|costs| Dollars(mean_at(costs, picks)));
        break_even(start, api, own)
    };
    if let BreakEven::Never { reason } = at(&(0..start.len()).collect::<Vec<_>>()) {
        return Err(Missing::because(reason));
    }
    let estimate = composite(view.plan().seed, &[start.len()], |picks| at(&picks[0]).requests().unwrap_or(f64::INFINITY))?;
    let (said, _) = serving.notes(view, &[])?;
    Ok(Known { source, ..Known::from(estimate) }
        .noting(per_run.notes)
        .noting(energy::note(source))
        .noting(said)
        .noting(page_cache_note(view)))
}
