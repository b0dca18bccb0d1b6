//! Output tokens of a joule, idle power and the prompt's share included.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    energy::Kind,
    figure::Known,
    interval::over_runs,
    serving_energy::{Energies, per_token},
};

pub(super) static METRIC: Metric = Metric {
    name: "tokens_per_joule",
    unit: "tokens/J",
    better: Better::Higher,
    definition: "output tokens of the speed window / its gross energy; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let Energies { joules, notes, source } = Energies::of(view, |run| per_token(run, Kind::Gross))?;
    if joules.iter().any(|joules| *joules <= 0.0) {
        return Err(Missing::because("a run's energy is not above zero"));
    }
    let tokens: Vec<f64> = joules.iter().map(|joules| 1.0 / joules).collect();
    Ok(Known { source, ..Known::from(over_runs(&tokens)?) }.noting(notes))
}
