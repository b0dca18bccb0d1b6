//! The scored passes of a cell: its primary mark, item by item. An item without a mark is left out and said, never a zero.

use std::collections::BTreeMap;

use plan::Rater;
use record::{Detail, ItemMark, QualityFacts};
use stats::{Bootstrap, Estimate, wilson};
use units::{Missing, Reading};

use crate::{CellView, interval::sample, view::Stage};

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
    /// An item's mark is the mean over the passes in which it has one.
    ///
    /// # Errors
    /// No scored pass has ended well, or no item has the primary mark.
    pub(crate) fn of(view: &CellView) -> Result<Self, Missing> {
        let taken = Taken::of(view)?;
        let (mut all, mut missing, mut first) = (BTreeMap::<String, Vec<f64>>::new(), 0_usize, None);
        for item in taken.passes.iter().copied().flatten() {
            match item.marks.get(&taken.name) {
                Some(Reading::Known(mark)) if mark.is_finite() => all.entry(item.id.clone()).or_default().push(*mark),
                other => {
                    missing += 1;
                    first.get_or_insert_with(|| reason(other, &taken.name));
                }
            }
        }
        let asked: usize = taken.passes.iter().map(|items| items.len()).sum();
        let lacking = first.map(|why| format!("{missing} of {asked} items have no mark, the first because {why}"));
        if all.is_empty() {
            return Err(Missing::because(lacking.unwrap_or_else(|| "no item was scored".to_owned())));
        }
        let several = (taken.passes.len() > 1).then(|| format!("each item's mark is its mean over {} passes", taken.passes.len()));
        let by_id = all.into_iter().map(|(id, marks)| (id, marks.iter().sum::<f64>() / marks.len() as f64)).collect();
        Ok(Self { name: taken.name, by_id, notes: taken.notes.into_iter().chain(lacking).chain(several).collect() })
    }

    /// The marks alone.
    pub(crate) fn values(&self) -> Vec<f64> {
        self.by_id.values().copied().collect()
    }
}

/// The mean primary mark of each pass that ended well, in order; at least two.
///
/// # Errors
/// There are fewer, or one of them has no mark.
pub(crate) fn pass_means(view: &CellView) -> Result<(Vec<f64>, Vec<String>), Missing> {
    let taken = Taken::of(view)?;
    if taken.passes.len() < 2 {
        return Err(Missing::because("one scored pass has no spread: the plan's quality.passes says how many there are"));
    }
    let mean = |items: &&[ItemMark]| {
        let marks: Vec<f64> = items.iter().filter_map(|item| item.marks.get(&taken.name)?.known().ok().copied()).collect();
        let n = marks.len();
        (n > 0).then(|| marks.iter().sum::<f64>() / n as f64).ok_or_else(|| Missing::because("a scored pass has no mark"))
    };
    Ok((taken.passes.iter().map(mean).collect::<Result<_, _>>()?, taken.notes.clone()))
}

/// Where the primary mark stands, pass by pass.
struct Taken<'a> {
    name: String,
    passes: Vec<&'a [ItemMark]>,
    /// Passes that were left out.
    notes: Vec<String>,
}

impl<'a> Taken<'a> {
    fn of(view: &CellView<'a>) -> Result<Self, Missing> {
        let records = view.records;
        let first = facts(&records.quality, "scored pass")?;
        let Detail::Quality(QualityFacts { items, .. }) = first else {
            return Err(Missing::because("the record of the scored pass has no marks"));
        };
        let primary = &view.task()?.primary;
        let (stages, what, mut passes) = match Rater::of(primary) {
            None => (&records.passes, "scored pass", vec![items.as_slice()]),
            Some(_) => (&records.rate, "rating", Vec::new()),
        };
        let mut notes = Vec::new();
        for stage in stages {
            match facts(stage, what) {
                Ok(Detail::Quality(facts)) => passes.push(facts.items.as_slice()),
                Ok(Detail::Rate(facts)) if facts.items.iter().any(|item| item.marks.contains_key(primary)) => {
                    passes.push(facts.items.as_slice());
                }
                Ok(_) => {}
                Err(why) => notes.push(format!("a {what} is left out: {why}")),
            }
        }
        match (passes.is_empty(), notes.first()) {
            (false, _) => Ok(Self { name: primary.clone(), passes, notes }),
            (true, Some(why)) => Err(Missing::because(why.clone())),
            (true, None) => Err(Missing::because(format!("its `{primary}` was not taken"))),
        }
    }
}

fn facts<'a>(stage: &'a Stage, what: &str) -> Result<&'a Detail, Missing> {
    Ok(&stage.done(what)?.detail)
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

fn reason(mark: Option<&Reading<f64>>, name: &str) -> String {
    match mark {
        Some(Reading::Missing(why)) => why.to_string(),
        Some(Reading::Known(_)) => format!("its `{name}` is not a number"),
        None => format!("its `{name}` was not taken"),
    }
}
