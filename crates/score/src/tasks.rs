//! The tasks: what their rows look like, how a row becomes a prompt, and which marks its answers get by default.
//!
//! A task is plain data and one function. It does not read files (see [`crate::dataset`]) and does not apply chat templates.

mod chat;
mod jsonl;
mod rag;
mod summarization;

use crate::{Error, Example, Result, error::Problem, row::Field};

/// One task.
pub struct Task {
    /// The word that plans use.
    pub name: &'static str,
    /// What it asks of a model, in a phrase.
    pub summary: &'static str,
    /// The published schema that its rows have.
    pub schema: &'static str,
    /// The fields of its rows, by name: what a data set's columns can be named for.
    pub fields: &'static [&'static str],
    /// System prompt unless the plan gives another.
    pub system: &'static str,
    /// Marks its answers get by default.
    pub marks: &'static [&'static str],
    /// The mark that is the score unless the plan names another; one of `marks`.
    pub primary: &'static str,
    /// One row of a data set to examples: one for a flat row, many for a nested one, each by itself good or bad.
    pub(crate) read: fn(&Field) -> Read,
}

/// What one row gives.
pub(crate) type Read = Vec<std::result::Result<Example, Problem>>;

/// What a flat row gives.
pub(crate) fn one(example: std::result::Result<Example, Problem>) -> Read {
    vec![example]
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Every task, by name.
pub static TASKS: &[&Task] = &[&chat::TASK, &jsonl::TASK, &rag::TASK, &summarization::TASK];

/// Finds a task by its name.
///
/// # Errors
/// [`Error::UnknownTask`], which lists the known ones.
pub fn find(name: &str) -> Result<&'static Task> {
    TASKS.iter().find(|task| task.name == name).copied().ok_or_else(|| Error::UnknownTask { name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks;

    #[test]
    fn the_registry_is_sorted_and_its_marks_exist() {
        assert!(TASKS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for task in TASKS {
            assert!(task.fields.is_sorted(), "{}", task.name);
            assert!(task.marks.contains(&task.primary), "{}", task.name);
            assert!(task.marks.iter().all(|name| marks::find(name).is_ok()), "{}", task.name);
        }
        assert_eq!(find("tranlation").unwrap_err().hint().unwrap(), "one of: chat, jsonl, rag, summarization");
    }
}
