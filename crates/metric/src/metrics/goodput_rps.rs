//! Goodput: requests a second that were served within every limit of the plan's `[slo]` section.

use units::Missing;

use super::{Better, Metric};
use crate::{CellView, figure::Known, goodput, interval::over_runs, runs::Runs};

pub(super) static METRIC: Metric = Metric {
    name: "goodput_rps",
    unit: "requests/s",
    better: Better::Higher,
    definition: "requests within every limit of [slo] / length of the speed window; failed ones are not within; mean over runs",
    source: "Zhong et al., DistServe, OSDI 2024",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let limits = goodput::limits(view)?;
    let runs = Runs::of(view)?.each(|run| {
        let kept = goodput::within(run, &limits)?.requests;
        Ok((kept / run.window()?.get(), (kept, run.requests.len())))
    })?;
    let (rates, kept): (Vec<f64>, Vec<_>) = runs.values.into_iter().unzip();
    Ok(Known::from(over_runs(&rates)?).noting(runs.notes).noting([goodput::note(&limits, &kept)]))
}
