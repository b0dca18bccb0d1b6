//! What can be wrong with a task, its data set, or an answer's references: always what, where, and how to mend it.

use std::path::PathBuf;

use crate::{marks::MARKS, tasks::TASKS};

/// Where in a data set something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// Line on which the row begins, from 1.
    pub line: u64,
    /// The row, from 1.
    pub row: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{} (row {})", self.path.display(), self.line, self.row)
    }
}

/// What is wrong with one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field, such as `answers.text` or `paragraphs[0].qas[2].id`.
    pub field: String,
    /// What should stand there, such as `a text`.
    pub expected: &'static str,
    /// What does, such as `nothing` or `a number`.
    pub found: &'static str,
}

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No task of that name.
    #[error("unknown task {name:?}")]
    UnknownTask {
        /// As asked for.
        name: String,
    },
    /// No mark of that name.
    #[error("unknown mark {name:?}")]
    UnknownMark {
        /// As asked for.
        name: String,
    },
    /// A mark was asked for without anything to compare with.
    #[error("an answer cannot be marked without a reference")]
    NoReferences,
    /// The file cannot be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds no row.
    #[error("{} holds no rows", path.display())]
    NoRows {
        /// The file.
        path: PathBuf,
    },
    /// A row is not JSON.
    #[error("{place}: not valid JSON: {message}")]
    Syntax {
        /// Where the row begins.
        place: Place,
        /// What the reader said.
        message: String,
    },
    /// A row lacks a field, or has something else in it.
    #[error("{place}: `{}` should be {}, but is {}", problem.field, problem.expected, problem.found)]
    Row {
        /// Where the row begins.
        place: Place,
        /// What is wrong with it.
        problem: Problem,
        /// The task that reads it.
        task: &'static str,
    },
    /// A row is larger than any honest one.
    #[error("{place}: the row is larger than {limit} bytes")]
    TooLarge {
        /// Where the row begins.
        place: Place,
        /// The limit, in bytes.
        limit: usize,
    },
    /// The question alone is longer than the prompt may be.
    #[error("item {id:?}: what must not be cut has {needed} characters, and the prompt may have {budget}")]
    Budget {
        /// The item.
        id: String,
        /// Characters of system prompt, question and frame.
        needed: usize,
        /// Characters allowed.
        budget: usize,
    },
}

impl Error {
    /// How to mend it, in one sentence.
    pub fn hint(&self) -> Option<String> {
        let names = |names: &mut dyn Iterator<Item = &'static str>| names.collect::<Vec<_>>().join(", ");
        Some(match self {
            Self::UnknownTask { .. } => format!("one of: {}", names(&mut TASKS.iter().map(|task| task.name))),
            Self::UnknownMark { .. } => format!("one of: {}", names(&mut MARKS.iter().map(|mark| mark.name))),
            Self::NoReferences => "give the row at least one reference answer, or leave it out".into(),
            Self::Io { .. } => "check the path and its permissions".into(),
            Self::NoRows { .. } => "the file is empty or was cut off; fetch it again".into(),
            Self::Syntax { .. } => {
                "write one JSON object a line (JSONL), one JSON array of objects, or SQuAD's official file; a cut-off download looks like this too".into()
            }
            Self::Row { task, .. } => match TASKS.iter().find(|known| known.name == *task) {
                Some(task) => format!("rows of `{}` have {}", task.name, task.schema),
                None => return None,
            },
            Self::TooLarge { .. } => "is this the right file? one JSON object a line, or one JSON array of objects, is read".into(),
            Self::Budget { .. } => "raise the context length, or leave the item out".into(),
        })
    }
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
