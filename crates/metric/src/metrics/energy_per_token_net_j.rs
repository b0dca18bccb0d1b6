//! Energy of an output token above idle power, the prompt's share included.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    energy::Kind,
    figure::Known,
    serving_energy::{mean, per_token},
};

pub(super) static METRIC: Metric = Metric {
    name: "energy_per_token_net_j",
    unit: "J",
    better: Better::Lower,
    definition: "(energy of the speed window − idle power · its length) / output tokens in it; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    mean(view, |run| per_token(run, Kind::Net))
}
