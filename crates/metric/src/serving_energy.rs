//! Energy of the speed window of a serving run, and its shares.
//!
//! The window's mean power over the time of the requests, divided by the answered requests or by their output tokens: the energy
//! that failed requests took is borne by those that were answered. Above concurrency 1 the share of one request is an
//! allocation by tokens, whose mean is the same.

use record::EnergySource;
use units::{Joules, Missing};

use crate::{
    CellView,
    energy::{self, Kind, Metered},
    figure::Known,
    interval::over_runs,
    runs::{PerRun, Run, Runs},
};

/// Least share of the requests' time that the energy window must hold.
const OVERLAP: f64 = 0.9;

/// Energy of the time of the requests.
fn window(run: &Run, kind: Kind) -> Result<Metered, Missing> {
    let metered = energy::window(run.record, "speed")?;
    let (start, end) = run.facts.window;
    let length = run.window()?;
    let shared = metered.end.min(end).since(metered.start.max(start));
    if shared / length < OVERLAP {
        let share = 100.0 * (shared / length);
        return Err(Missing::because(format!("its energy window holds only {share:.0}% of the time of the requests")));
    }
    let Metered { energy, source } = energy::metered(metered, kind)?;
    // The two windows agree to a tick of the meter; the mean power carries over.
    let power = energy / metered.end.since(metered.start);
    Ok(Metered { energy: power * length, source })
}

/// Energy of one answered request, run by run.
pub(crate) fn per_request(run: &Run, kind: Kind) -> Result<Metered, Missing> {
    let answered = run.answered()?.len();
    window(run, kind).map(|metered| share(metered, answered as f64))
}

/// Energy of one output token, run by run.
pub(crate) fn per_token(run: &Run, kind: Kind) -> Result<Metered, Missing> {
    let tokens = run.output_tokens()?;
    window(run, kind).map(|metered| share(metered, tokens as f64))
}

fn share(whole: Metered, among: f64) -> Metered {
    Metered { energy: Joules(whole.energy.get() / among), ..whole }
}

/// Energies of runs, what must be said of them, and the worst source.
pub(crate) struct Energies {
    pub(crate) joules: Vec<f64>,
    pub(crate) notes: Vec<String>,
    pub(crate) source: Option<EnergySource>,
}

impl Energies {
    /// # Errors
    /// No run has that energy, or some are measured and others modelled.
    pub(crate) fn of(view: &CellView, quantity: impl Fn(&Run) -> Result<Metered, Missing>) -> Result<Self, Missing> {
        let PerRun { values, mut notes } = Runs::of(view)?.each(quantity)?;
        let source = energy::worst(values.iter().map(|metered| metered.source))?;
        notes.extend(energy::note(source));
        Ok(Self { joules: values.iter().map(|metered| metered.energy.get()).collect(), notes, source })
    }
}

/// Mean over runs of an energy.
pub(crate) fn mean(view: &CellView, quantity: impl Fn(&Run) -> Result<Metered, Missing>) -> Result<Known, Missing> {
    let Energies { joules, notes, source } = Energies::of(view, quantity)?;
    Ok(Known { source, ..Known::from(over_runs(&joules)?) }.noting(notes))
}

/// What must be said of a request's energy where several were served at once.
pub(crate) fn allocation_note(view: &CellView) -> Option<String> {
    let concurrency = Runs::of(view).ok()?.iter().map(|run| run.facts.concurrency).max()?;
    (concurrency > 1)
        .then(|| format!("{concurrency} requests were served at once: the energy of one is an allocation by its share of the tokens"))
}
