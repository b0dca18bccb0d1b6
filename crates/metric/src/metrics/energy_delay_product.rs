//! Energy-delay product of a request: a saving of energy that is bought with as much waiting is none.

use units::{Joules, Missing};

use super::{Better, Metric};
use crate::{
    CellView,
    energy::{Kind, Metered},
    figure::Known,
    interval::over_runs,
    runs::Run,
    serving_energy::{Energies, attribution_note, per_request},
};

pub(super) static METRIC: Metric = Metric {
    name: "energy_delay_product",
    unit: "J·s",
    better: Better::Lower,
    definition: "gross energy of a request · mean time from its due instant to its end, of the answered requests; mean over runs",
    source: "Gonzalez & Horowitz, IEEE Journal of Solid-State Circuits 31 (1996)",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let product = |run: &Run| {
        let metered = per_request(run, Kind::Gross)?;
        Ok(Metered { energy: Joules(metered.energy.get() * delay_s(run)?), ..metered })
    };
    let Energies { joules: products, notes, source } = Energies::of(view, product)?;
    let known = Known { source, ..Known::from(over_runs(&products)?) };
    Ok(known.noting(notes).noting(attribution_note(view)))
}

/// Mean time of an answered request in seconds.
fn delay_s(run: &Run) -> Result<f64, Missing> {
    let answered = run.answered()?;
    Ok(answered.iter().map(|request| request.end.signed_since(request.due).get()).sum::<f64>() / answered.len() as f64)
}
