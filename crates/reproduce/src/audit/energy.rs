//! Checks of power and energy: what one GPU can draw, what was metered, and whether energy is power times time.

use plan::Strategy;
use units::{Joules, Missing};

use super::{Check, Found, counted, digits, number, some};
use crate::{
    aggregate::{largest, mean, smallest},
    code,
    logs::{Family, Logs, Operation, Tier, method_name},
};

/// Energy that is off power times time by more than this share is not that product.
const TOLERANCE: f64 = 0.02;

/// What the logged power is of.
pub(super) const GPU_POWER: Check = Check {
    name: "gpu-power",
    claim: Some("LLaMA-3.2-1B in INT4 sustains a stable envelope of about 35 W"),
    rests_on: &["NVIDIA's data sheet of the Tesla T4: 70 W"],
    find: |logs, _| {
        let powers = some(logs.serving.iter().map(|row| row.power.get()).collect(), "served row")?;
        let above = powers.iter().filter(|&&power| power > code::T4_LIMIT_W).count();
        let is_small = |family, tier, strategy: Strategy| {
            family == Family::Llama && tier == Tier::One && matches!(strategy, Strategy::LoraInt4 | Strategy::QloraInt4)
        };
        let small = logs.serving.iter().filter(|row| is_small(row.variant.model.family, row.variant.model.tier, row.variant.strategy));
        let small = some(small.map(|row| row.power.get()).collect(), "row of LLaMA 1B in INT4")?;
        let whose = if above > 0 { "one T4 cannot draw that: the rows are sums over two" } else { "one T4 can draw that" };
        let finding = format!(
            "mean power is {} to {} W; {} of {} are above the {} W limit of a T4, and {whose}. LLaMA 1B in INT4 is logged with {} to {} W \
             (mean {}), which is {} W for each of two",
            digits(smallest(&powers)),
            digits(largest(&powers)),
            counted(above, "row"),
            powers.len(),
            code::T4_LIMIT_W,
            digits(smallest(&small)),
            digits(largest(&small)),
            digits(mean(&small)),
            digits(mean(&small) / 2.0)
        );
        let numbers = vec![
            number("rows above one T4's limit", above as f64, ""),
            number("rows", powers.len() as f64, ""),
            number("lowest mean power", smallest(&powers), "W"),
            number("highest mean power", largest(&powers), "W"),
            number("mean power of LLaMA 1B in INT4", mean(&small), "W"),
            number("the same for each of two GPUs", mean(&small) / 2.0, "W"),
        ];
        Ok(Found { holds: Some((mean(&small) - 35.0).abs() < 5.0), finding, numbers })
    },
};

/// Whether the energy of a cold start was metered.
pub(super) const LOAD: Check = Check {
    name: "load-energy",
    claim: Some("the cold-start tax is the energy of loading over that of a request"),
    rests_on: &[],
    find: |logs, _| {
        let off = logs.serving.iter().map(|row| {
            let tax = (row.load * row.power) / row.per_request();
            let of_times = row.load / (row.time / row.requests as f64);
            (tax / of_times - 1.0).abs()
        });
        let off = some(off.collect(), "served row")?;
        let finding = format!(
            "the load's energy is its time at the power of serving: it was not metered. The power cancels, and the tax is the load's time over \
             a request's share of the wall time, to within {}% in every row",
            digits(100.0 * largest(&off))
        );
        let numbers =
            vec![number("largest difference from the ratio of times", 100.0 * largest(&off), "%"), number("rows", off.len() as f64, "")];
        Ok(Found { holds: Some(largest(&off) > TOLERANCE), finding, numbers })
    },
};

/// Whether energy is power times time, and the GPUs' energies add up.
pub(super) const CONSISTENCY: Check = Check {
    name: "energy-is-power-times-time",
    claim: None,
    rests_on: &[],
    find: |logs, _| {
        let kinds = kinds(logs);
        if kinds.iter().all(|(_, values)| values.is_empty()) {
            return Err(Missing::because("the logs hold no energy"));
        }
        let (mut numbers, mut told, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
        for (kind, rows) in kinds.into_iter().filter(|(_, rows)| !rows.is_empty()) {
            let most = largest(&rows.iter().map(|row| row.off).collect::<Vec<_>>());
            let of = rows.len();
            let off: Vec<Off> = rows.into_iter().filter(|row| row.off > TOLERANCE).collect();
            numbers.push(number(format!("{kind}: rows that are off"), off.len() as f64, ""));
            numbers.push(number(format!("{kind}: largest difference"), 100.0 * most, "%"));
            told.push(format!("{kind} {} of {of} (at most {}%)", off.len(), digits(100.0 * most)));
            wrong.extend(off.into_iter().map(|row| format!("{} ({}%)", row.name, digits(100.0 * row.off))));
        }
        let which = if wrong.is_empty() { String::new() } else { format!(". Off are {}", wrong.join(", ")) };
        let finding = format!("rows whose energy is more than {}% off: {}{which}", 100.0 * TOLERANCE, told.join(", "));
        Ok(Found { holds: None, finding, numbers })
    },
};

/// A row, and how far its energy is from what it should be.
struct Off {
    name: String,
    off: f64,
}

/// Rows by kind.
fn kinds(logs: &Logs) -> [(&'static str, Vec<Off>); 5] {
    let off = |name: String, energy: Joules, expected: Joules| Off { name, off: (expected / energy - 1.0).abs() };
    let compression = |operation: Operation| {
        let rows = logs.compression.iter().filter(move |row| row.operation == operation);
        rows.map(|row| off(row.to_string(), row.energy, row.power * row.time)).collect()
    };
    let training = |row: &crate::Training| {
        let name = format!("adaptation of {} · {} · {}", row.model, row.task.name(), method_name(row.method));
        off(name, row.energy, row.power * row.time)
    };
    [
        ("serving", logs.serving.iter().map(|row| off(row.variant.to_string(), row.energy, row.power * row.time)).collect()),
        ("adaptation", logs.training.iter().map(training).collect()),
        ("merge", compression(Operation::Merge)),
        ("quantisation", compression(Operation::Quantise)),
        (
            "sum of the two GPUs",
            logs.compression.iter().map(|row| off(format!("the GPUs of {row}"), row.energy, row.gpus.into_iter().sum())).collect(),
        ),
    ]
}
