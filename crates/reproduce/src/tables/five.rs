//! Table 5: the scores of each model and task, FP16 beside LoRA-INT4.

use plan::Strategy;
use units::Missing;

use crate::{
    Result,
    aggregate::{Candidate, Recipe, Table, rounded_first, table as compute, way},
    logs::{Family, Logs, Model, Score, Task, Tier, Variant},
};

type Key = (Task, Model);

/// Which score of a row, and which number of its passes.
#[derive(Clone, Copy)]
struct Choice {
    is_primary: bool,
    of: fn(&Score) -> f64,
}

pub(super) fn table(logs: &Logs) -> Result<Table> {
    let candidates = vec![
        Candidate { name: "FP16", unit: "score", ways: scores(full) },
        Candidate { name: "FP16 std", unit: "score", ways: deviations(full) },
        Candidate { name: "INT4", unit: "score", ways: scores(quantised) },
        Candidate { name: "INT4 std", unit: "score", ways: deviations(quantised) },
        Candidate { name: "Change", unit: "%", ways: scores(change) },
    ];
    compute(5, "Scores in INT4 beside FP16", logs, &rows(), |(task, model)| format!("{} {model}", task.name()), candidates)
}

fn rows() -> Vec<Key> {
    let families = Task::ALL.into_iter().flat_map(|task| Family::ALL.map(|family| (task, family)));
    families.flat_map(|(task, family)| Tier::ALL.map(|tier| (task, Model { family, tier }))).collect()
}

type Compute = fn(&Logs, Key, Choice) -> Result<f64, Missing>;

fn scores(compute: Compute) -> Vec<Recipe<Key>> {
    let median: fn(&Score) -> f64 = |score| score.median;
    let choices = [
        ("median of the passes, primary score", Choice { is_primary: true, of: median }),
        ("mean of the passes, primary score", Choice { is_primary: true, of: |score| score.mean }),
        ("median of the passes, secondary score", Choice { is_primary: false, of: median }),
    ];
    choices.into_iter().map(|(name, choice)| way(name, move |logs: &Logs, key| compute(logs, key, choice))).collect()
}

fn deviations(compute: Compute) -> Vec<Recipe<Key>> {
    let (name, choice) = ("standard deviation of the passes, primary score", Choice { is_primary: true, of: |score| score.sd });
    vec![
        way(name, move |logs: &Logs, key| compute(logs, key, choice)),
        rounded_first(name, move |logs: &Logs, key| compute(logs, key, choice)),
    ]
}

fn full(logs: &Logs, key: Key, choice: Choice) -> Result<f64, Missing> {
    score(logs, key, Strategy::LoraFp16, choice)
}

fn quantised(logs: &Logs, key: Key, choice: Choice) -> Result<f64, Missing> {
    score(logs, key, Strategy::LoraInt4, choice)
}

fn change(logs: &Logs, key: Key, choice: Choice) -> Result<f64, Missing> {
    Ok(100.0 * (quantised(logs, key, choice)? / full(logs, key, choice)? - 1.0))
}

fn score(logs: &Logs, (task, model): Key, strategy: Strategy, choice: Choice) -> Result<f64, Missing> {
    let row = logs.quality(Variant { model, task, strategy })?;
    Ok((choice.of)(if choice.is_primary { &row.primary } else { &row.secondary }))
}
