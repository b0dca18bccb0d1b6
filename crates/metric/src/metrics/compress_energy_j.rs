//! Energy of what follows the adaptation: merge and, where the variant has one, quantisation.

use stats::Estimate;
use units::{Joules, Missing};

use super::{Better, Metric};
use crate::{
    CellView,
    energy::{self, Kind},
    figure::Known,
    stage_energy::{ADAPTATION, planned, work},
};

pub(super) static METRIC: Metric = Metric {
    name: "compress_energy_j",
    unit: "J",
    better: Better::Lower,
    definition: "gross energy of merge and quantisation together",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let (mut energies, mut sources) = (Vec::new(), Vec::new());
    for (name, stage) in planned(view).filter(|(name, _)| *name != ADAPTATION) {
        let work = work(stage.done(name)?, Kind::Gross).map_err(|why| Missing::because(format!("{name}: {why}")))?;
        energies.push(work.metered.energy);
        sources.push(work.metered.source);
    }
    if energies.is_empty() {
        return Err(Missing::because("this strategy has no merge and no quantisation"));
    }
    let source = energy::worst(sources)?;
    let sum: Joules = energies.into_iter().sum();
    Ok(Known { source, ..Known::from(Estimate::single(sum.get())) }.noting(energy::note(source)))
}
