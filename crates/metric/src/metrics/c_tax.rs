//! Cold-Start Tax: how many requests' worth of energy a cold start takes.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    cold_start::page_cache_note,
    energy::{self, Kind},
    figure::Known,
    interval::{composite, mean_at},
    runs::Runs,
    serving_energy::{attribution_note, per_request, scope},
};

pub(super) static METRIC: Metric = Metric {
    name: "c_tax",
    unit: "requests",
    better: Better::Lower,
    definition: "energy from spawn to the first token / energy of a request, both gross, run by run",
    source: "Mohammad et al., ACL 2026 Industry, section 4.2",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let per_run = Runs::of(view)?.each(|run| Ok((energy::read(run.record, "load", Kind::Gross)?, per_request(run, Kind::Gross)?)))?;
    let source = energy::worst(per_run.values.iter().flat_map(|(load, request)| [load.source, request.source]))?;
    let (load, request): (Vec<f64>, Vec<f64>) =
        per_run.values.iter().map(|(load, request)| (load.energy.get(), request.energy.get())).unzip();
    let estimate = composite(view.plan().seed, &[load.len()], |picks| mean_at(&load, &picks[0]) / mean_at(&request, &picks[0]))?;
    let known = Known { source, ..Known::from(estimate) };
    Ok(known
        .noting(per_run.notes)
        .noting(energy::note(source))
        .noting(page_cache_note(view))
        .noting(attribution_note(view))
        .noting(scope(view)))
}
