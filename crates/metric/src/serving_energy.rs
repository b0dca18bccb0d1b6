//! Energy of the speed window of a serving run, and its shares.
//!
//! Where one request was served at a time and each one's own window can be believed, a request's energy is that of its window. Otherwise
//! it is the speed window's mean power over the time of the requests, divided by the answered requests or by their output tokens: the
//! energy that failed requests took is borne by those that were answered. Above concurrency 1 the share of one request is an allocation by
//! tokens, whose mean is the same.

use record::{EnergySource, Request};
use units::{Joules, Missing, Reading, Watts};

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
pub(crate) fn window(run: &Run, kind: Kind) -> Result<Metered, Missing> {
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
    let window = window(run, kind)?;
    Ok(match own(run, kind) {
        Some(energies) => Metered { energy: energies.into_iter().sum::<Joules>() / answered as f64, ..window },
        None => share(window, answered as f64),
    })
}

/// Each request's energy in its own window; `None` unless all were answered and all their windows can be believed.
fn own(run: &Run, kind: Kind) -> Option<Vec<Joules>> {
    let energies = &run.facts.request_energy;
    let is_whole = energies.len() == run.requests.len() && run.requests.iter().all(|request| request.failure.is_none());
    if !is_whole || energies.is_empty() {
        return None;
    }
    let idle = match kind {
        Kind::Gross => Watts(0.0),
        Kind::Net => *energy::window(run.record, "speed").ok()?.idle.known().ok()?,
    };
    let of = |(request, energy): (&Request, &Reading<Joules>)| Some(*energy.known().ok()? - idle * request.end.since(request.sent));
    run.requests.iter().zip(energies).map(of).collect()
}

/// Energy of one output token, run by run.
pub(crate) fn per_token(run: &Run, kind: Kind) -> Result<Metered, Missing> {
    let tokens = run.output_tokens()?;
    window(run, kind).map(|metered| share(metered, tokens as f64))
}

/// Mean power over the time of the requests, as joules of one second.
pub(crate) fn power(run: &Run, kind: Kind) -> Result<Metered, Missing> {
    let length = run.window()?.get();
    window(run, kind).map(|metered| share(metered, length))
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
        notes.extend(scope(view));
        Ok(Self { joules: values.iter().map(|metered| metered.energy.get()).collect(), notes, source })
    }
}

/// Mean over runs of an energy.
pub(crate) fn mean(view: &CellView, quantity: impl Fn(&Run) -> Result<Metered, Missing>) -> Result<Known, Missing> {
    let Energies { joules, notes, source } = Energies::of(view, quantity)?;
    Ok(Known { source, ..Known::from(over_runs(&joules)?) }.noting(notes))
}

/// What the meter itself says of the speed windows, and which of them are short.
pub(crate) fn scope(view: &CellView) -> Vec<String> {
    let Ok(runs) = Runs::of(view) else { return Vec::new() };
    let windows: Vec<_> = runs.iter().filter_map(|run| Some((run.number, energy::window(run.record, "speed").ok()?))).collect();
    let mut notes: Vec<String> = windows.iter().flat_map(|(_, window)| window.notes.clone()).collect();
    notes.sort_unstable();
    notes.dedup();
    let short: Vec<String> = windows.iter().filter(|(_, window)| window.short).map(|(number, _)| number.to_string()).collect();
    if !short.is_empty() {
        notes.push(format!(
            "the energy window is short (2 to 5 s) in run {}: such windows do not repeat within a percent",
            short.join(", ")
        ));
    }
    notes
}

/// How the energy of the window was given to one request, where that is not by equal shares.
pub(crate) fn attribution_note(view: &CellView) -> Option<String> {
    let runs = Runs::of(view).ok()?;
    let concurrency = runs.iter().map(|run| run.facts.concurrency).max()?;
    if concurrency > 1 {
        return Some(format!("{concurrency} requests were served at once: the energy of one is an allocation by its share of the tokens"));
    }
    let (all, by_own) = (runs.iter().count(), runs.iter().filter(|run| own(run, Kind::Gross).is_some()).count());
    match by_own {
        0 => None,
        n if n == all => Some("the energy of a request is that of its own window".to_owned()),
        n => Some(format!("the energy of a request is that of its own window in {n} of {all} runs, and an equal share in the others")),
    }
}
