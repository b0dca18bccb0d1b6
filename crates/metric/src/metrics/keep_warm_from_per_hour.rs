//! The traffic from which keeping a server warm costs less than a cold start for each request.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    cold_start::page_cache_note,
    economics::{HOUR, cold_start, idle_notes, idle_power, stopping},
    energy,
    figure::Known,
    interval::{composite, mean_at},
    runs::Runs,
};

pub(super) static METRIC: Metric = Metric {
    name: "keep_warm_from_per_hour",
    unit: "requests/h",
    better: Better::Lower,
    definition: "cost of an hour warm and idle / cost of a cold start: below this traffic, in requests so far apart that each would find the server stopped, keeping warm loses",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let tariff = stopping(view)?;
    let per_run = Runs::of(view)?.each(|run| {
        let start = cold_start(run)?;
        let warm = tariff.work(idle_power(run)? * HOUR, HOUR);
        Ok((tariff.work(start.metered.energy, start.time).get(), warm.get(), start.metered.source))
    })?;
    let source = energy::worst(per_run.values.iter().map(|(_, _, source)| *source))?;
    let (start, warm): (Vec<f64>, Vec<f64>) = per_run.values.iter().map(|(start, warm, _)| (*start, *warm)).unzip();
    if start.iter().sum::<f64>() <= 0.0 {
        return Err(Missing::because("a cold start costs nothing: keeping warm never pays"));
    }
    let estimate = composite(view.plan().seed, &[start.len()], |picks| mean_at(&warm, &picks[0]) / mean_at(&start, &picks[0]))?;
    let is_unpriced = tariff.usd_per_hour().is_none() && view.plan().prices.owned.is_none();
    let energy_alone = is_unpriced.then(|| "energy alone: the plan gives the machine's time no price".to_owned());
    let known = Known { source, ..Known::from(estimate) }.noting(per_run.notes).noting(energy::note(source)).noting(energy_alone);
    Ok(known.noting(idle_notes(view)).noting(page_cache_note(view)))
}
