//! Reading energy windows: one that is absent, invalid or without a meter carries no number.

use record::{EnergySource, EnergyWindow, StageRecord, Verdict};
use units::{Joules, Missing};

/// Which energy of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// All of it.
    Gross,
    /// Less the idle power of the same devices over the same span.
    Net,
}

/// An energy and where it comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metered {
    pub(crate) energy: Joules,
    pub(crate) source: EnergySource,
}

/// The energy of a whole window of a stage.
pub(crate) fn read(record: &StageRecord, name: &str, kind: Kind) -> Result<Metered, Missing> {
    metered(window(record, name)?, kind)
}

/// A window of a stage that can be believed.
pub(crate) fn window<'a>(record: &'a StageRecord, name: &str) -> Result<&'a EnergyWindow, Missing> {
    let window = record.energy.iter().find(|window| window.name == name);
    let window = window.ok_or_else(|| Missing::because(format!("no energy was metered over the window `{name}`")))?;
    match &window.verdict {
        Verdict::Valid => Ok(window),
        Verdict::Invalid { code, reason } => Err(Missing::because(format!("the energy window `{name}` is invalid ({code}): {reason}"))),
    }
}

/// A believed window's energy and source.
pub(crate) fn metered(window: &EnergyWindow, kind: Kind) -> Result<Metered, Missing> {
    let source = window.source.ok_or_else(|| Missing::because(format!("no meter was open over the window `{}`", window.name)))?;
    let energy = match kind {
        Kind::Gross => &window.gross,
        Kind::Net => &window.net,
    };
    let energy = *energy.known()?;
    if !energy.get().is_finite() {
        return Err(Missing::because(format!("the energy of the window `{}` is not a number", window.name)));
    }
    Ok(Metered { energy, source })
}

/// The worst of several sources.
///
/// # Errors
/// Modelled and measured energies together: their sum or mean is neither.
pub(crate) fn worst(sources: impl IntoIterator<Item = EnergySource>) -> Result<Option<EnergySource>, Missing> {
    let mut sources: Vec<_> = sources.into_iter().collect();
    sources.sort_unstable();
    match (sources.first(), sources.last()) {
        (Some(best), Some(EnergySource::Modelled)) if *best != EnergySource::Modelled => {
            Err(Missing::because("some of its energies were measured and others modelled"))
        }
        (_, worst) => Ok(worst.copied()),
    }
}

/// What must be said of a source that is not a measurement.
pub(crate) fn note(source: Option<EnergySource>) -> Option<String> {
    (source == Some(EnergySource::Modelled)).then(|| "energy is modelled (CPU time times a stated power per core), not measured".to_owned())
}
