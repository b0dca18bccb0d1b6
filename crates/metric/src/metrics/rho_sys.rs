//! System Density: throughput for the memory that the serving process really took.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    density::{density, process},
    figure::Known,
};

pub(super) static METRIC: Metric = Metric {
    name: "rho_sys",
    unit: "tokens/s/GB",
    better: Better::Higher,
    definition: "throughput / peak memory of the server's processes (GPU memory, or resident memory without a GPU), in GB of 1e9 bytes",
    source: "Mohammad et al., ACL 2026 Industry, section 4.2",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    density(view, process)
}
