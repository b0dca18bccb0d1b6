//! The five tables: one file each, holding its rows, its columns and the ways in which each column may have been made.

mod five;
mod four;
mod one;
mod three;
mod two;

use plan::Strategy;
use units::Missing;

use crate::{
    Result,
    aggregate::Table,
    logs::{Logs, Model, Task, Variant},
};

pub(crate) use one::{n_break, values as rows_of_one};

/// All five.
pub(crate) fn all(logs: &Logs) -> Result<Vec<Table>> {
    Ok(vec![one::table(logs)?, two::table(logs)?, three::table(logs)?, four::table(logs)?, five::table(logs)?])
}

/// The variants of a model under these strategies, task by task.
pub(crate) fn variants(model: Model, strategies: &[Strategy]) -> Vec<Variant> {
    strategies.iter().flat_map(|&strategy| Task::ALL.map(|task| Variant { model, task, strategy })).collect()
}

/// The two strategies that the paper calls INT4.
pub(crate) const INT4: [Strategy; 2] = [Strategy::LoraInt4, Strategy::QloraInt4];

/// A quantity of each of several variants.
pub(crate) fn each(logs: &Logs, variants: &[Variant], of: impl Fn(&Logs, Variant) -> Result<f64, Missing>) -> Result<Vec<f64>, Missing> {
    variants.iter().map(|&variant| of(logs, variant)).collect()
}
