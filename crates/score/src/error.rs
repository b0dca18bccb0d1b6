//! What can be wrong with a task, its data set, or an answer's references: always what, where, and how to mend it.

use std::path::PathBuf;

use crate::{
    marks::{MARKS, RATED},
    tasks::TASKS,
};

/// Where in a data set something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// Line on which the row begins, from 1; `None` where a file has no lines.
    pub line: Option<u64>,
    /// The row of the file, from 1.
    pub row: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line} (row {})", self.path.display(), self.row),
            None => write!(f, "{}, row {}", self.path.display(), self.row),
        }
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
    /// A row is not what its format asks for.
    #[error("{place}: {message}")]
    Syntax {
        /// Where the row begins.
        place: Place,
        /// What the reader said.
        message: String,
    },
    /// A Parquet file that cannot be read on.
    #[error("{place}: {source}")]
    Parquet {
        /// The row that could not be read.
        place: Place,
        /// What is wrong.
        source: columns::Error,
    },
    /// A file that stands for a data set and is none.
    #[error("{} is {what}", path.display())]
    NotTheFile {
        /// The file.
        path: PathBuf,
        /// Such as `packed with gzip`.
        what: &'static str,
        /// How to get at the data.
        mend: &'static str,
    },
    /// More rows are bad than may be left out.
    #[error("more than {limit} bad rows; the last: {last}")]
    TooManyBad {
        /// How many may be left out.
        limit: usize,
        /// What is wrong with the last.
        last: Box<Error>,
    },
    /// A folder without a file of a known format, or none of the split that was asked for.
    #[error("{place} has no data files{}", of_split(split.as_deref()))]
    NoFiles {
        /// The folder, or the hub id.
        place: String,
        /// The split that was asked for.
        split: Option<String>,
        /// The splits there are.
        found: Vec<String>,
    },
    /// Files of several splits or configurations, so that reading all would mix them.
    #[error("{place} holds several {what}: {}", found.join(", "))]
    Several {
        /// The folder, or the hub id.
        place: String,
        /// `splits` or `configurations`.
        what: &'static str,
        /// Their names.
        found: Vec<String>,
    },
    /// A column was named for a field that the task's rows do not have.
    #[error("task `{task}` has no field {field:?}")]
    UnknownField {
        /// The task.
        task: &'static str,
        /// As named.
        field: String,
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
    /// A row of answers lacks a field, or has something else in it.
    #[error("{place}: `{}` should be {}, but is {}", problem.field, problem.expected, problem.found)]
    Prediction {
        /// Where the row begins.
        place: Place,
        /// What is wrong with it.
        problem: Problem,
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

fn of_split(split: Option<&str>) -> String {
    split.map_or_else(String::new, |split| format!(" of the split {split:?}"))
}

impl Error {
    /// How to mend it, in one sentence.
    pub fn hint(&self) -> Option<String> {
        let names = |names: &mut dyn Iterator<Item = &'static str>| names.collect::<Vec<_>>().join(", ");
        Some(match self {
            Self::UnknownTask { .. } => format!("one of: {}", names(&mut TASKS.iter().map(|task| task.name))),
            Self::UnknownMark { .. } => {
                let rated = RATED.iter().map(|(name, _)| *name);
                format!("one of: {}", names(&mut MARKS.iter().map(|mark| mark.name).chain(rated)))
            }
            Self::NoReferences => "give the row at least one reference answer, or leave it out".into(),
            Self::Io { .. } => "check the path and its permissions".into(),
            Self::NoRows { .. } => "the file is empty or was cut off; fetch it again".into(),
            Self::Syntax { place, .. } if place.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) => {
                "CSV is read as RFC 4180 has it: UTF-8, a first line of names, commas between fields, quotes around what holds commas".into()
            }
            Self::Syntax { .. } => {
                "write one JSON object a line (JSONL), one JSON array of objects, or SQuAD's official file; a cut-off download looks like this too".into()
            }
            Self::Parquet { source, .. } => return source.hint(),
            Self::NotTheFile { mend, .. } => (*mend).into(),
            Self::TooManyBad { last, .. } => return last.hint(),
            Self::NoFiles { found, .. } if found.is_empty() => "Parquet, JSONL, JSON and CSV files are read, in name order".into(),
            Self::NoFiles { found, .. } => format!("its splits: {}", found.join(", ")),
            Self::Several { what, .. } => format!("say which of the {what} is meant"),
            Self::UnknownField { task, .. } => match TASKS.iter().find(|known| known.name == *task) {
                Some(task) => format!("one of: {}", task.fields.join(", ")),
                None => return None,
            },
            Self::Row { task, .. } => match TASKS.iter().find(|known| known.name == *task) {
                Some(task) => format!("rows of `{}` have {}; where only a few are bad, allow as many to be left out", task.name, task.schema),
                None => return None,
            },
            Self::Prediction { .. } => {
                "rows have `prediction` (a text), `references` (a text or a list of texts), and perhaps `premise`, `prompt` or `messages`, and `id`".into()
            }
            Self::TooLarge { .. } => "is this the right file? one JSON object a line, or one JSON array of objects, is read".into(),
            Self::Budget { .. } => "raise the context length, or leave the item out".into(),
        })
    }
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
