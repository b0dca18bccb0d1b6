//! Mean power of the devices while requests were served, idle power included.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    energy::Kind,
    figure::Known,
    serving_energy::{mean, power},
};

pub(super) static METRIC: Metric = Metric {
    name: "power_w",
    unit: "W",
    better: Better::Lower,
    definition: "gross energy of the speed window / its length; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    mean(view, |run| power(run, Kind::Gross))
}
