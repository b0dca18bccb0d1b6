//! Energy of an output token, idle power and the prompt's share included.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    energy::Kind,
    figure::Known,
    serving_energy::{mean, per_token},
};

pub(super) static METRIC: Metric = Metric {
    name: "energy_per_token_j",
    unit: "J",
    better: Better::Lower,
    definition: "gross energy of the speed window / output tokens in it; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    mean(view, |run| per_token(run, Kind::Gross))
}
