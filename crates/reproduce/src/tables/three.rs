//! Table 3: throughput and energy of a request, FP16 beside INT4, of three models. FP16 has three rows (LoRA), INT4 six (LoRA and `QLoRA`).

use plan::{Precision, Strategy};
use units::Missing;

use super::{INT4, each, variants};
use crate::{
    Result,
    aggregate::{AGGREGATORS, Candidate, Recipe, Table, mean, over, rounded_first, table as compute, way},
    logs::{Family, Logs, Model, Tier, Variant},
};

type Key = (Model, Precision);

const ROWS: &str = "over the rows of a precision";

pub(super) fn table(logs: &Logs) -> Result<Table> {
    let mut energy = over(ROWS, |logs, key| values(logs, key, per_request));
    energy.push(rounded_first(&format!("mean {ROWS}"), |logs, key| Ok(mean(&values(logs, key, per_request)?))));
    let candidates = vec![
        Candidate { name: "Throughput", unit: "tokens/s", ways: over(ROWS, |logs, key| values(logs, key, throughput)) },
        Candidate { name: "Speedup", unit: "×", ways: against_full(throughput, |quantised, full| quantised / full) },
        Candidate { name: "Energy/req", unit: "J", ways: energy },
        Candidate { name: "Savings", unit: "%", ways: against_full(per_request, |quantised, full| 100.0 * (1.0 - quantised / full)) },
    ];
    let models = [(Family::Llama, Tier::One), (Family::Llama, Tier::Three), (Family::Qwen, Tier::Seven)];
    let models = models.map(|(family, tier)| Model { family, tier });
    let rows: Vec<Key> = models.into_iter().flat_map(|model| [(model, Precision::Fp16), (model, Precision::Int4)]).collect();
    let label = |(model, precision): Key| format!("{model} {}", if precision == Precision::Fp16 { "FP16" } else { "INT4" });
    compute(3, "Serving in INT4 beside FP16", logs, &rows, label, candidates)
}

/// A row's figure beside that of FP16 of the same model, by every aggregator.
fn against_full(
    of: impl Fn(&Logs, Variant) -> Result<f64, Missing> + Copy + 'static,
    compare: impl Fn(f64, f64) -> f64 + Copy + 'static,
) -> Vec<Recipe<Key>> {
    let ways = AGGREGATORS.iter().map(|&(name, aggregate)| {
        way(format!("of the {name} {ROWS}"), move |logs: &Logs, (model, precision): Key| {
            let full = aggregate(&values(logs, (model, Precision::Fp16), of)?);
            Ok(compare(aggregate(&values(logs, (model, precision), of)?), full))
        })
    });
    ways.collect()
}

fn values(logs: &Logs, (model, precision): Key, of: impl Fn(&Logs, Variant) -> Result<f64, Missing>) -> Result<Vec<f64>, Missing> {
    let strategies: &[Strategy] = if precision == Precision::Fp16 { &[Strategy::LoraFp16] } else { &INT4 };
    each(logs, &variants(model, strategies), of)
}

fn throughput(logs: &Logs, variant: Variant) -> Result<f64, Missing> {
    Ok(logs.serving(variant)?.tokens_per_second)
}

fn per_request(logs: &Logs, variant: Variant) -> Result<f64, Missing> {
    Ok(logs.serving(variant)?.per_request().get())
}
