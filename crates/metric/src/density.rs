//! System Density: `ρ_sys = T_put / M` (Mohammad et al., ACL 2026 Industry, section 4.2), with three named denominators. Throughput and
//! memory are of the same run, so runs are resampled whole.

use units::{Bytes, Missing};

use crate::{
    CellView,
    figure::Known,
    interval::{composite, mean_at},
    levels::peak_note,
    runs::{Run, Runs},
    stage_energy::peak,
};

/// A run's memory, and how it is called where that is not plain from the metric.
pub(crate) type Memory = (Bytes, Option<&'static str>);

/// Peak memory of the server's processes.
pub(crate) fn process(run: &Run) -> Result<Memory, Missing> {
    peak(&run.record.memory).map(|(bytes, which)| (bytes, Some(which)))
}

/// Weights on disk.
#[expect(clippy::unnecessary_wraps, reason = "one signature for the three denominators")]
pub(crate) fn disk(run: &Run) -> Result<Memory, Missing> {
    Ok((run.facts.weights_disk, None))
}

/// Weights in memory, as the engine tells.
pub(crate) fn weights(run: &Run) -> Result<Memory, Missing> {
    run.facts.weights_memory.known().map(|&bytes| (bytes, None))
}

/// Output tokens a second in the speed window of a run.
pub(crate) fn throughput(run: &Run) -> Result<f64, Missing> {
    Ok(run.output_tokens()? as f64 / run.window()?.get())
}

/// Throughput over memory.
pub(crate) fn density(view: &CellView, memory: impl Fn(&Run) -> Result<Memory, Missing>) -> Result<Known, Missing> {
    let per_run = Runs::of(view)?.each(|run| {
        let (bytes, which) = memory(run)?;
        if bytes == Bytes(0) {
            Err(Missing::because("its memory is told as 0 bytes"))
        } else {
            Ok((throughput(run)?, bytes.gigabytes(), which))
        }
    })?;
    let (rates, gigabytes): (Vec<f64>, Vec<f64>) = per_run.values.iter().map(|(rate, gb, _)| (*rate, *gb)).unzip();
    let estimate = composite(view.plan().seed, &[rates.len()], |picks| mean_at(&rates, &picks[0]) / mean_at(&gigabytes, &picks[0]))?;
    let which: Vec<_> = per_run.values.iter().filter_map(|(_, _, which)| which.map(|which| format!("over peak {which}"))).collect();
    let of_all = if which.is_empty() { None } else { peak_note(view) };
    Ok(Known::from(estimate).noting(per_run.notes).noting(which).noting(of_all))
}
