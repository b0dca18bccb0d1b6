//! An adaptation of ours as the comparison sees it, from its record.

use record::{AdaptFacts, Detail, StageRecord};
use units::{Missing, Reading};

use super::{Adaptation, Settings};
use crate::{
    CellView,
    energy::{self, Kind},
    stage_energy::ADAPTATION,
};

/// The adaptation that a cell stands on.
///
/// # Errors
/// It is not planned, has not run, failed, or its record holds no facts of an adaptation.
pub fn of_cell(view: &CellView) -> Result<Adaptation, Missing> {
    let cell = view.cell();
    let record = view.records.adapt.done(ADAPTATION)?;
    let Detail::Adapt(facts) = &record.detail else {
        return Err(Missing::because("the record of the adaptation holds no facts of one"));
    };
    let subject = format!("{} {} · {}", cell.family, cell.tier, cell.task);
    let energy = energy::read(record, "stage", Kind::Gross).map(|metered| metered.energy);
    Ok(Adaptation {
        label: format!("{subject} · {}", facts.method),
        subject,
        method: facts.method.clone(),
        energy: energy.into(),
        time: Reading::Known(record.duration),
        tokens: Reading::Known(facts.tokens),
        settings: settings(record, facts),
    })
}

fn settings(record: &StageRecord, facts: &AdaptFacts) -> Settings {
    let window = energy::window(record, "stage");
    Settings {
        dtype: Reading::Known(facts.dtype.clone()),
        gpus: window.map(|window| window.gpus.len() as u64).into(),
        batch: Reading::Known(facts.batch),
        accumulation: Reading::Known(facts.accumulation),
        rows: Reading::Known(facts.rows),
        checkpointing: Reading::Known(facts.checkpointing),
        max_length: Reading::Known(facts.max_length),
    }
}
