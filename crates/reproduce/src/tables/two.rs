//! Table 2: energy of adaptation, LoRA beside `QLoRA`, with what it calls interquartile ranges.

use plan::{Method, Precision};
use units::Missing;

use crate::{
    Result,
    aggregate::{AGGREGATORS, Candidate, Recipe, Table, largest, quantile, smallest, table as compute, way},
    logs::{Logs, Model, Operation, Task},
};

type Key = (Model, Method);

/// What is counted as energy of adaptation.
#[derive(Clone, Copy)]
enum Scope {
    Adaptation,
    Merge,
    Quantisation,
}

const SCOPES: [(&str, Scope); 3] = [
    ("of the adaptation", Scope::Adaptation),
    ("of adaptation and merge", Scope::Merge),
    ("of adaptation, merge, INT4 quantisation", Scope::Quantisation),
];

pub(super) fn table(logs: &Logs) -> Result<Table> {
    let candidates = vec![
        Candidate {
            name: "Energy kWh",
            unit: "kWh",
            ways: scopes(&AGGREGATORS, |logs, key, scope, of| Ok(of(&energies(logs, key, scope)?))),
        },
        Candidate { name: "Low kWh", unit: "kWh", ways: scopes(&[("first quartile", low), ("smallest", smallest)], spread) },
        Candidate { name: "High kWh", unit: "kWh", ways: scopes(&[("third quartile", high), ("largest", largest)], spread) },
        Candidate { name: "Ratio", unit: "×", ways: scopes(&AGGREGATORS, ratio) },
    ];
    let rows: Vec<Key> = Model::all().flat_map(|model| [(model, Method::Lora), (model, Method::Qlora)]).collect();
    compute(2, "Energy of adaptation", logs, &rows, label, candidates)
}

fn label((model, method): Key) -> String {
    format!("{model} {}", if method == Method::Lora { "LoRA-FP16" } else { "QLoRA-INT4" })
}

type Of = fn(&[f64]) -> f64;

/// Every aggregator of every scope.
fn scopes(
    aggregators: &[(&'static str, Of)],
    compute: impl Fn(&Logs, Key, Scope, Of) -> Result<f64, Missing> + Copy + 'static,
) -> Vec<Recipe<Key>> {
    let all = SCOPES.iter().flat_map(|scope| aggregators.iter().map(move |aggregator| (scope, aggregator)));
    all.map(|(&(what, scope), &(name, of))| {
        way(format!("{name} over the tasks {what}"), move |logs: &Logs, key: Key| compute(logs, key, scope, of))
    })
    .collect()
}

fn spread(logs: &Logs, key: Key, scope: Scope, of: Of) -> Result<f64, Missing> {
    Ok(of(&energies(logs, key, scope)?))
}

fn ratio(logs: &Logs, (model, method): Key, scope: Scope, of: Of) -> Result<f64, Missing> {
    Ok(of(&energies(logs, (model, method), scope)?) / of(&energies(logs, (model, Method::Lora), scope)?))
}

/// In kWh, task by task.
fn energies(logs: &Logs, (model, method): Key, scope: Scope) -> Result<Vec<f64>, Missing> {
    let energy = |task: Task| {
        let mut energy = logs.training(model, task, method)?.energy;
        if !matches!(scope, Scope::Adaptation) {
            energy = energy + logs.merge(model, task, method)?.energy;
        }
        if matches!(scope, Scope::Quantisation) && method == Method::Lora {
            let is_it = |row: &&crate::logs::Compression| {
                (row.model, row.task, row.operation, row.precision) == (model, task, Operation::Quantise, Precision::Int4)
            };
            let row = logs.compression.iter().find(is_it);
            energy = energy + row.ok_or_else(|| Missing::because("a quantisation is not in the logs"))?.energy;
        }
        Ok(energy.kilowatt_hours())
    };
    Task::ALL.into_iter().map(energy).collect()
}

fn low(values: &[f64]) -> f64 {
    quantile(values, 0.25)
}

fn high(values: &[f64]) -> f64 {
    quantile(values, 0.75)
}
