//! Table 4: what INT4 keeps of the score, by family and task.

use plan::Strategy;
use units::Missing;

use super::INT4;
use crate::{
    Result,
    aggregate::{Candidate, Recipe, Table, mean, table as compute, way},
    logs::{Family, Logs, Model, Score, Task, Tier, Variant},
};

type Key = (Family, Task);

/// Which number of the passes, and which strategies are called INT4.
#[derive(Clone, Copy)]
struct Choice {
    of: Of,
    quantised: &'static [Strategy],
}

const LORA: &[Strategy] = &[Strategy::LoraInt4];

pub(super) fn table(logs: &Logs) -> Result<Table> {
    let candidates = vec![
        Candidate { name: "FP16", unit: "score", ways: scores(|logs, key, choice| full(logs, key, choice.of)) },
        Candidate { name: "FP16 std", unit: "score", ways: deviations(|logs, key, _| full(logs, key, sd)) },
        Candidate { name: "INT4", unit: "score", ways: scores(quantised) },
        Candidate { name: "INT4 std", unit: "score", ways: deviations(quantised) },
        Candidate { name: "Retention", unit: "%", ways: scores(|logs, key, choice| Ok(100.0 * ratio(logs, key, choice)?)) },
        Candidate { name: "STD change", unit: "%", ways: deviations(|logs, key, choice| Ok(100.0 * (ratio(logs, key, choice)? - 1.0))) },
    ];
    let rows: Vec<Key> = Family::ALL.into_iter().flat_map(|family| Task::ALL.map(|task| (family, task))).collect();
    compute(4, "Fidelity in INT4 by task", logs, &rows, |(family, task)| format!("{} {}", family.name(), task.name()), candidates)
}

type Of = fn(&Score) -> f64;

type Compute = fn(&Logs, Key, Choice) -> Result<f64, Missing>;

fn scores(compute: Compute) -> Vec<Recipe<Key>> {
    let choices: [(&str, Of); 2] = [("median of the passes", |score| score.median), ("mean of the passes", |score| score.mean)];
    choices.into_iter().flat_map(|(what, of)| sides(what, of, compute)).collect()
}

fn deviations(compute: Compute) -> Vec<Recipe<Key>> {
    sides("standard deviation", sd, compute)
}

fn sides(what: &str, of: Of, compute: Compute) -> Vec<Recipe<Key>> {
    let sides: [(&str, &'static [Strategy]); 2] = [("LoRA-INT4", LORA), ("LoRA-INT4 and QLoRA-INT4", &INT4)];
    let ways = sides.into_iter().map(|(name, quantised)| {
        way(format!("mean over sizes of the {what}, INT4 is {name}"), move |logs: &Logs, key: Key| {
            compute(logs, key, Choice { of, quantised })
        })
    });
    ways.collect()
}

fn sd(score: &Score) -> f64 {
    score.sd
}

fn full(logs: &Logs, key: Key, of: Of) -> Result<f64, Missing> {
    over_sizes(logs, key, of, &[Strategy::LoraFp16])
}

fn quantised(logs: &Logs, key: Key, choice: Choice) -> Result<f64, Missing> {
    over_sizes(logs, key, choice.of, choice.quantised)
}

fn ratio(logs: &Logs, key: Key, choice: Choice) -> Result<f64, Missing> {
    Ok(quantised(logs, key, choice)? / full(logs, key, choice.of)?)
}

fn over_sizes(logs: &Logs, (family, task): Key, of: Of, strategies: &[Strategy]) -> Result<f64, Missing> {
    let variants = Tier::ALL
        .into_iter()
        .flat_map(|tier| strategies.iter().map(move |&strategy| Variant { model: Model { family, tier }, task, strategy }));
    let values = variants.map(|variant| Ok(of(&logs.quality(variant)?.primary))).collect::<Result<Vec<f64>, Missing>>()?;
    Ok(mean(&values))
}
