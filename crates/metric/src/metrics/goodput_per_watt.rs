//! Goodput per watt: requests that were served within every limit of the plan's `[slo]` section, of a joule.

use units::Missing;

use super::{Better, Metric};
use crate::{CellView, figure::Known, goodput};

pub(super) static METRIC: Metric = Metric {
    name: "goodput_per_watt",
    unit: "requests/s/W",
    better: Better::Higher,
    definition: "requests within every limit of [slo] / gross energy of the speed window: requests a second and watt, which are requests of a joule; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    goodput::per_joule(view, &goodput::limits(view)?, |within| within.requests)
}
