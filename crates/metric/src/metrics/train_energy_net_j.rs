//! Energy of the adaptation above idle power.

use units::Missing;

use super::{Better, Metric};
use crate::{CellView, energy::Kind, figure::Known, stage_energy::adaptation};

pub(super) static METRIC: Metric = Metric {
    name: "train_energy_net_j",
    unit: "J",
    better: Better::Lower,
    definition: "energy of the adaptation less idle power over its time",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    adaptation(view, Kind::Net)
}
