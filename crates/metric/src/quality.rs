//! The scored pass of a cell: its primary mark, item by item. An item without a mark is left out and said, never a zero.

use std::collections::BTreeMap;

use record::{Detail, QualityFacts};
use stats::{Bootstrap, Estimate, wilson};
use units::{Missing, Reading};

use crate::{CellView, interval::sample};

/// The primary marks of a cell; at least one.
pub(crate) struct Marks {
    /// Name of the mark.
    pub(crate) name: String,
    /// Item id -> mark in 0..1, in order of id.
    pub(crate) by_id: BTreeMap<String, f64>,
    /// What must be said of items without one.
    pub(crate) notes: Vec<String>,
}

impl Marks {
    /// # Errors
    /// The scored pass has not ended well, or no item has the primary mark.
    pub(crate) fn of(view: &CellView) -> Result<Self, Missing> {
        let facts = facts(view)?;
        let (mut by_id, mut missing, mut first) = (BTreeMap::new(), 0_usize, None);
        for item in &facts.items {
            match item.marks.get(&facts.primary) {
                Some(Reading::Known(mark)) if mark.is_finite() => {
                    by_id.insert(item.id.clone(), *mark);
                }
                other => {
                    missing += 1;
                    first.get_or_insert_with(|| reason(other, &facts.primary));
                }
            }
        }
        let notes: Vec<String> = first
            .map(|why| format!("{missing} of {} items have no mark, the first because {why}", facts.items.len()))
            .into_iter()
            .collect();
        match (by_id.is_empty(), notes.first()) {
            (false, _) => Ok(Self { name: facts.primary.clone(), by_id, notes }),
            (true, Some(why)) => Err(Missing::because(why.clone())),
            (true, None) => Err(Missing::because("no item was scored")),
        }
    }

    /// The marks alone.
    pub(crate) fn values(&self) -> Vec<f64> {
        self.by_id.values().copied().collect()
    }
}

/// Mean of marks: Wilson's interval where every mark is 0 or 1, else bootstrap over the items.
pub(crate) fn mean(marks: &[f64], seed: u64) -> Result<Estimate, Missing> {
    let estimate = if let Some(right) = all_or_nothing(marks) {
        wilson(right.iter().filter(|&&right| right).count(), marks.len())
    } else {
        Bootstrap::bca(seed).mean(&sample(marks)?)
    };
    estimate.map_err(|error| Missing::because(error.to_string()))
}

/// Marks that are all 0 or 1, as wrong or right.
pub(crate) fn all_or_nothing(marks: &[f64]) -> Option<Vec<bool>> {
    marks
        .iter()
        .map(|mark| match mark {
            0.0 => Some(false),
            1.0 => Some(true),
            _ => None,
        })
        .collect()
}

fn facts<'a>(view: &CellView<'a>) -> Result<&'a QualityFacts, Missing> {
    match &view.records.quality.done("scored pass")?.detail {
        Detail::Quality(facts) => Ok(facts),
        _ => Err(Missing::because("the record of the scored pass has no marks")),
    }
}

fn reason(mark: Option<&Reading<f64>>, name: &str) -> String {
    match mark {
        Some(Reading::Missing(why)) => why.to_string(),
        Some(Reading::Known(_)) => format!("its `{name}` is not a number"),
        None => format!("its `{name}` was not taken"),
    }
}
