//! System Density over the weights in memory, KV cache and buffers excluded.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    density::{density, weights},
    figure::Known,
};

pub(super) static METRIC: Metric = Metric {
    name: "rho_sys_weights",
    unit: "tokens/s/GB",
    better: Better::Higher,
    definition: "throughput / weights in memory as the engine tells, in GB of 1e9 bytes",
    source: "Mohammad et al., ACL 2026 Industry, section 4.2",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    density(view, weights)
}
