//! Energy of the adaptation, idle power included.

use units::Missing;

use super::{Better, Metric};
use crate::{CellView, energy::Kind, figure::Known, stage_energy::adaptation};

pub(super) static METRIC: Metric = Metric {
    name: "train_energy_j",
    unit: "J",
    better: Better::Lower,
    definition: "gross energy of the adaptation, from start to end of its process",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    adaptation(view, Kind::Gross)
}
