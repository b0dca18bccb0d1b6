//! Energy and time of the stages before serving: adaptation, merge, quantisation. Each ran once, so none has an interval.

use record::{MemoryPeak, StageRecord};
use stats::Estimate;
use units::{Bytes, Missing, Seconds};

use crate::{
    CellView,
    energy::{self, Kind, Metered},
    figure::Known,
    view::Stage,
};

/// What a stage that was metered took.
pub(crate) struct Work {
    pub(crate) metered: Metered,
    pub(crate) time: Seconds,
}

/// The energy of a whole stage and its wall time.
pub(crate) fn work(record: &StageRecord, kind: Kind) -> Result<Work, Missing> {
    Ok(Work { metered: energy::read(record, "stage", kind)?, time: record.duration })
}

/// The first of the stages that [`planned`] names.
pub(crate) const ADAPTATION: &str = "adaptation";

/// The stages that make the served weights out of the base, by name; those that the strategy does not have are not in it.
pub(crate) fn planned<'a>(view: &CellView<'a>) -> impl Iterator<Item = (&'static str, &'a Stage)> {
    let records = view.records;
    let stages = [(ADAPTATION, &records.adapt), ("merge", &records.merge), ("quantisation", &records.quantise)];
    stages.into_iter().filter(|(_, stage)| !matches!(stage, Stage::NotPlanned))
}

/// Energy of the adaptation.
pub(crate) fn adaptation(view: &CellView, kind: Kind) -> Result<Known, Missing> {
    let Metered { energy, source } = work(view.records.adapt.done(ADAPTATION)?, kind)?.metered;
    let known = Known { source: Some(source), ..Known::from(Estimate::single(energy.get())) };
    Ok(known.noting(energy::note(Some(source))))
}

/// The memory that a peak is told of: GPU memory where the process had any, else resident memory; and which it was.
pub(crate) fn peak(memory: &MemoryPeak) -> Result<(Bytes, &'static str), Missing> {
    match memory.gpu.known() {
        Ok(&gpu) if gpu > Bytes(0) => Ok((gpu, "GPU memory")),
        _ => memory.resident.known().map(|&resident| (resident, "resident memory")),
    }
}
