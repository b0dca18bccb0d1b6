//! Time of a cold start, as a user waits for it.

use units::Missing;

use super::{Better, Metric};
use crate::{CellView, cold_start::page_cache_note, figure::Known, interval::over_runs, runs::Runs};

pub(super) static METRIC: Metric = Metric {
    name: "load_time_s",
    unit: "s",
    better: Better::Lower,
    definition: "first token of the first request − spawn of the server; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let times = Runs::of(view)?.each(|run| {
        let (spawned, first_token) = (run.facts.spawned, run.facts.first_token);
        if first_token > spawned {
            Ok(first_token.since(spawned).get())
        } else {
            Err(Missing::because("its first token is not after its spawn"))
        }
    })?;
    Ok(Known::from(over_runs(&times.values)?).noting(times.notes).noting(page_cache_note(view)))
}
