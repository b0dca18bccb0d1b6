//! Output tokens of the requests that were served within every limit of the plan's `[slo]` section, of a joule.

use units::Missing;

use super::{Better, Metric};
use crate::{CellView, figure::Known, goodput};

pub(super) static METRIC: Metric = Metric {
    name: "goodput_tokens_per_joule",
    unit: "tokens/J",
    better: Better::Higher,
    definition: "output tokens of the requests within every limit of [slo] / gross energy of the speed window; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    goodput::per_joule(view, &goodput::limits(view)?, |within| within.tokens)
}
