//! What making the variant cost: `C_train + C_setup`.

use stats::Estimate;
use units::Missing;

use super::{Better, Metric};
use crate::{CellView, energy, figure::Known, money::making};

pub(super) static METRIC: Metric = Metric {
    name: "making_cost_usd",
    unit: "USD",
    better: Better::Lower,
    definition: "C_train + C_setup: energy · price · PUE + machine time · hourly rate of adaptation, merge and quantisation, and setup",
    source: "Mohammad et al., ACL 2026 Industry, section 4.2; merge, quantisation and machine time are this project's",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let making = making(view)?;
    let source = energy::worst(making.sources.iter().copied())?;
    Ok(Known { source, ..Known::from(Estimate::single(making.cost.get())) }.noting(energy::note(source)))
}
