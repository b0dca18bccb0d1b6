//! Quantization Fidelity: what quantisation kept of the score, on the same items.

use units::Missing;

use super::{Better, Metric};
use crate::{CellView, fidelity, figure::Known};

pub(super) static METRIC: Metric = Metric {
    name: "q_ret",
    unit: "%",
    better: Better::Higher,
    definition: "100 · mean mark / mean mark of lora-fp16 of the same model, task and engine, on the same items",
    source: "Mohammad et al., ACL 2026 Industry, section 4.2; gates of MLPerf Inference",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let fidelity = fidelity(view)?;
    let mut notes = fidelity.notes;
    notes.push(format!("the mark of {:.2}% of {} items changed", fidelity.changed * 100.0, fidelity.ratio.n));
    notes.extend(fidelity.gates.iter().map(ToString::to_string));
    if let Some(test) = fidelity.mcnemar {
        notes.push(format!("{} items lost, {} gained of {}; McNemar p = {:.3}", test.lost, test.gained, test.n, test.p_value));
    }
    Ok(Known::from(fidelity.ratio.scaled(100.0)).noting(notes))
}
