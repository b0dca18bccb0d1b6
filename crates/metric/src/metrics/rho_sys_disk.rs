//! System Density over the weights on disk: the paper's nominal sizes come nearest to it.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    density::{density, disk},
    figure::Known,
};

pub(super) static METRIC: Metric = Metric {
    name: "rho_sys_disk",
    unit: "tokens/s/GB",
    better: Better::Higher,
    definition: "throughput / size of the weight files, in GB of 1e9 bytes",
    source: "Mohammad et al., ACL 2026 Industry, section 4.2",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    density(view, disk)
}
