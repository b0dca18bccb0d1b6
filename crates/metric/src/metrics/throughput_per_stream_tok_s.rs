//! Output tokens a second that each of the streams got: what one user of several sees.

use units::Missing;

use super::{Better, Metric};
use crate::{CellView, density::throughput, figure::Known, interval::over_runs, runs::Runs};

pub(super) static METRIC: Metric = Metric {
    name: "throughput_per_stream_tok_s",
    unit: "tokens/s",
    better: Better::Higher,
    definition: "output tokens of the answered requests / length of the speed window / streams kept open; mean over runs",
    source: "the tokens a second and user of GenAI-Perf's client",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let rates = Runs::of(view)?.each(|run| {
        let streams = run.facts.concurrency;
        if streams == 0 { Err(Missing::because("it kept no stream open")) } else { Ok(throughput(run)? / f64::from(streams)) }
    })?;
    Ok(Known::from(over_runs(&rates.values)?).noting(rates.notes))
}
