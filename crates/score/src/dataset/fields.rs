//! Which column of a data set holds which field of the task's rows, where the names differ from the published ones.

use std::collections::BTreeMap;

use crate::{Error, Result, tasks::Task};

/// Field to column. A column is a name, or a path such as `answers.text`; a field that is not here is the column of its own name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(BTreeMap<String, String>);

impl Fields {
    /// The columns of a task's fields.
    ///
    /// # Errors
    /// [`Error::UnknownField`] for a field that the task's rows do not have.
    pub fn new(task: &'static Task, columns: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let columns: BTreeMap<String, String> = columns.into_iter().collect();
        match columns.keys().find(|field| !task.fields.contains(&field.as_str())) {
            Some(field) => Err(Error::UnknownField { task: task.name, field: field.clone() }),
            None => Ok(Self(columns)),
        }
    }

    /// The column that was named for a field.
    pub(crate) fn column(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(String::as_str)
    }

    /// The outermost columns that a task's reader may look at.
    pub(crate) fn roots<'a>(&'a self, task: &'a Task) -> Vec<&'a str> {
        let root = |field: &'a str| {
            let column = self.column(field).unwrap_or(field);
            column.split('.').next().unwrap_or(column)
        };
        task.fields.iter().copied().map(root).collect()
    }
}
