//! Table 1: the five metrics of a model in INT4. Its six INT4 rows are those of LoRA-INT4 and `QLoRA`-INT4, of three tasks each.

use metric::paper;
use plan::{Method, Strategy};
use units::Missing;

use super::{INT4, each, variants};
use crate::{
    Result,
    aggregate::{Candidate, Table, over, table as compute},
    logs::{Logs, Model, Variant},
};

pub(super) fn table(logs: &Logs) -> Result<Table> {
    let six = "over the six INT4 rows";
    let mut breaks = over(six, |logs, model| values(logs, model, |logs, variant| n_break(logs, variant, false)));
    breaks.extend(over(&format!("{six}, C_train with merge and quantisation"), |logs, model| {
        values(logs, model, |logs, variant| n_break(logs, variant, true))
    }));
    let candidates = vec![
        Candidate { name: "N_break", unit: "requests", ways: breaks },
        Candidate { name: "IPW", unit: "1/J", ways: over(six, |logs, model| values(logs, model, ipw)) },
        Candidate { name: "rho_sys", unit: "tokens/s/GB", ways: over(six, |logs, model| values(logs, model, rho_sys)) },
        Candidate { name: "Q_ret", unit: "%", ways: over("over the tasks of LoRA-INT4 / LoRA-FP16", q_ret) },
        Candidate { name: "C_tax", unit: "requests", ways: over(six, |logs, model| values(logs, model, c_tax)) },
    ];
    let rows: Vec<Model> = Model::all().collect();
    compute(1, "Lifecycle efficiency in INT4", logs, &rows, |model| model.to_string(), candidates)
}

/// A metric of the six INT4 rows of a model.
pub(crate) fn values(logs: &Logs, model: Model, of: impl Fn(&Logs, Variant) -> Result<f64, Missing>) -> Result<Vec<f64>, Missing> {
    each(logs, &variants(model, &INT4), of)
}

/// Break-even of one row; the log does not say whether merge and quantisation belong to `C_train`.
pub(crate) fn n_break(logs: &Logs, variant: Variant, is_all_counted: bool) -> Result<f64, Missing> {
    let Variant { model, task, strategy } = variant;
    let method = if strategy == Strategy::QloraInt4 { Method::Qlora } else { Method::Lora };
    let mut train = logs.training(model, task, method)?.energy;
    if is_all_counted {
        train = train + logs.merge(model, task, method)?.energy;
        train = logs.quantisation(variant)?.map_or(train, |row| train + row.energy);
    }
    paper::n_break(train, logs.serving(variant)?.per_request())
}

fn ipw(logs: &Logs, variant: Variant) -> Result<f64, Missing> {
    paper::ipw(logs.quality(variant)?.normalised(), logs.serving(variant)?.per_request())
}

fn rho_sys(logs: &Logs, variant: Variant) -> Result<f64, Missing> {
    let gigabytes = paper::nominal_gigabytes(variant.model.tier.billions(), variant.strategy.precision());
    paper::rho_sys(logs.serving(variant)?.tokens_per_second, gigabytes)
}

fn c_tax(logs: &Logs, variant: Variant) -> Result<f64, Missing> {
    let row = logs.serving(variant)?;
    paper::c_tax(row.load, row.power, row.per_request())
}

fn q_ret(logs: &Logs, model: Model) -> Result<Vec<f64>, Missing> {
    each(logs, &variants(model, &[Strategy::LoraInt4]), |logs, quantised| {
        let full = Variant { strategy: Strategy::LoraFp16, ..quantised };
        paper::q_ret(logs.quality(quantised)?.primary.mean, logs.quality(full)?.primary.mean)
    })
}
