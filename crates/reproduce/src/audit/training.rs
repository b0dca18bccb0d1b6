//! Checks of adaptation and quantisation: shares of energy, and what the comparison of LoRA with `QLoRA` compares.

use std::collections::BTreeMap;

use metric::adaptation::{Control, Pair};
use plan::Method;

use super::{Check, Found, counted, digits, number, some};
use crate::{
    aggregate::{agrees, largest, mean, median, smallest},
    code,
    document::Cell,
    logs::{Logs, Model, Operation, Task, Training},
    qlora,
};

/// The paper's bound of what quantisation takes, as a share of adaptation.
const NEGLIGIBLE: f64 = 0.002;

/// What quantisation takes beside adaptation.
pub(super) const QUANTISATION: Check = Check {
    name: "quantisation-share",
    claim: Some("post-training quantisation takes less than 0.2% of training energy"),
    rests_on: &[],
    find: |logs, _| {
        let rows = logs.compression.iter().filter(|row| row.operation == Operation::Quantise);
        let shares = rows.map(|row| Ok(row.energy / logs.training(row.model, row.task, row.method)?.energy));
        let shares = some(shares.collect::<Result<_, _>>()?, "quantisation")?;
        let below = shares.iter().filter(|&&share| share < NEGLIGIBLE).count();
        let finding = format!(
            "it does in {below} of {} rows; the median is {}%, the largest {}%",
            shares.len(),
            digits(100.0 * median(&shares)),
            digits(100.0 * largest(&shares))
        );
        let numbers = vec![
            number("rows below 0.2%", below as f64, ""),
            number("rows", shares.len() as f64, ""),
            number("median share", 100.0 * median(&shares), "%"),
            number("largest share", 100.0 * largest(&shares), "%"),
        ];
        Ok(Found { holds: Some(below == shares.len()), finding, numbers })
    },
};

/// Whether `QLoRA` and LoRA differ in the method alone.
pub(super) const QLORA: Check = Check {
    name: "qlora-comparison",
    claim: Some("QLoRA increases adaptation energy by up to 7 times for small models"),
    rests_on: &[code::TRAINING],
    find: |logs, _| {
        let pairs = Model::all().flat_map(|model| Task::ALL.map(|task| qlora::pair(logs, model, task)));
        let pairs: Vec<Pair> = pairs.collect::<Result<_, _>>()?;
        let mut by: BTreeMap<String, usize> = BTreeMap::new();
        for pair in &pairs {
            if let Control::Confounded(differences) = &pair.control {
                for difference in differences {
                    *by.entry(difference.to_string()).or_default() += 1;
                }
            }
        }
        let controlled = pairs.iter().filter(|pair| pair.control == Control::Controlled).count();
        let confounded = pairs.iter().filter(|pair| matches!(pair.control, Control::Confounded(_))).count();
        let of = |value: fn(&Pair) -> f64| some(pairs.iter().map(value).collect(), "pair");
        let (energy, time, power) = (of(|pair| pair.energy)?, of(|pair| pair.time)?, of(|pair| pair.power)?);
        let told: Vec<String> = by.iter().map(|(what, count)| format!("{what} in {count}")).collect();
        let finding = format!(
            "energy is {} to {} times that of LoRA (time {} to {} times, power {} to {} times); {controlled} of {} pairs differ in the method \
             alone, {confounded} are confounded: {}",
            digits(smallest(&energy)),
            digits(largest(&energy)),
            digits(smallest(&time)),
            digits(largest(&time)),
            digits(smallest(&power)),
            digits(largest(&power)),
            pairs.len(),
            told.join(", ")
        );
        let mut numbers = vec![
            number("pairs", pairs.len() as f64, ""),
            number("controlled pairs", controlled as f64, ""),
            number("confounded pairs", confounded as f64, ""),
            number("smallest ratio of energy", smallest(&energy), "×"),
            number("largest ratio of energy", largest(&energy), "×"),
            number("median ratio of time", median(&time), "×"),
            number("median ratio of power", median(&power), "×"),
        ];
        numbers.extend(by.into_iter().map(|(what, count)| number(format!("pairs confounded by {what}"), count as f64, "")));
        let holds = (controlled > 0).then(|| largest(&energy) > 1.0);
        Ok(Found { holds, finding, numbers })
    },
};

/// The ratio that the abstract and Figure 1 name.
const FIGURE_1_RATIO: f64 = 7.2;

/// Where the ratio of Figure 1 comes from.
pub(super) const FIGURE_1: Check = Check {
    name: "ratio-of-figure-1",
    claim: Some("QLoRA takes up to 7.2 times the energy of LoRA for small models"),
    rests_on: &[],
    find: |logs, tables| {
        let ratios: Vec<(Model, f64)> =
            Model::all().map(|model| Ok((model, ratio(logs, model, None)?))).collect::<Result<_, units::Missing>>()?;
        let (model, most) = ratios.iter().copied().max_by(|(_, a), (_, b)| a.total_cmp(b)).expect("there are six models");
        let is_printed = |cell: &&Cell| cell.row == format!("{model} QLoRA-INT4") && cell.column == "Ratio";
        let printed = tables.iter().filter(|table| table.number == 2).flat_map(|table| &table.cells).find(is_printed);
        let printed = printed.and_then(|cell| cell.printed.clone()).unwrap_or_else(|| "no ratio".into());
        let finding = format!("the largest ratio of mean energies is {} ({model}), for which Table 2 prints {printed}", digits(most));
        let numbers = ratios.into_iter().map(|(model, ratio)| number(format!("{model}: ratio of mean energies"), ratio, "×")).collect();
        Ok(Found { holds: Some(agrees(FIGURE_1_RATIO, 1, most)), finding, numbers })
    },
};

/// LoRA rows on one GPU that draw the power of `QLoRA` rows.
pub(super) const ODD_ROWS: Check = Check {
    name: "odd-adaptations",
    claim: None,
    rests_on: &[],
    find: |logs, _| {
        let power = |method| some(one_gpu(logs, method).map(|row| row.power.get()).collect(), "adaptation on one GPU");
        let qlora = power(Method::Qlora)?;
        let odd: Vec<&Training> = one_gpu(logs, Method::Lora).filter(|row| row.power.get() >= smallest(&qlora)).collect();
        let others: Vec<f64> = one_gpu(logs, Method::Lora).map(|row| row.power.get()).filter(|&power| power < smallest(&qlora)).collect();
        let mut told = Vec::new();
        let mut numbers = vec![
            number("LoRA rows on one GPU within the power of QLoRA", odd.len() as f64, ""),
            number("lowest power of QLoRA on one GPU", smallest(&qlora), "W"),
        ];
        for row in odd {
            let with = ratio(logs, row.model, None)?;
            let without = ratio(logs, row.model, Some(row.task))?;
            let name = format!("{} {}", row.model, row.task.name());
            told.push(format!(
                "{name} draws {} W for {} s (the others on one GPU at most {} W); without that task the model's ratio of mean energies would \
                 be {} instead of {}",
                digits(row.power.get()),
                digits(row.time.get()),
                digits(largest(&others)),
                digits(without),
                digits(with)
            ));
            numbers.push(number(format!("{name}: power"), row.power.get(), "W"));
            numbers.push(number(format!("{name}: ratio of mean energies, QLoRA over LoRA"), with, "×"));
            numbers.push(number(format!("{name}: the same without that task"), without, "×"));
        }
        let count = counted(told.len(), "LoRA row");
        let finding = if told.is_empty() {
            "no LoRA row looks like a QLoRA one".to_owned()
        } else {
            format!("{count} looks like QLoRA: {}", told.join("; "))
        };
        Ok(Found { holds: None, finding, numbers })
    },
};

fn one_gpu(logs: &Logs, method: Method) -> impl Iterator<Item = &Training> {
    logs.training.iter().filter(move |row| row.method == method && row.gpus == 1)
}

/// Mean energy of `QLoRA` over that of LoRA, perhaps without one task.
fn ratio(logs: &Logs, model: Model, without: Option<Task>) -> Result<f64, units::Missing> {
    let mean_of = |method| -> Result<f64, units::Missing> {
        let tasks = Task::ALL.into_iter().filter(|&task| Some(task) != without);
        Ok(mean(&tasks.map(|task| Ok(logs.training(model, task, method)?.energy.get())).collect::<Result<Vec<_>, units::Missing>>()?))
    };
    Ok(mean_of(Method::Qlora)? / mean_of(Method::Lora)?)
}
