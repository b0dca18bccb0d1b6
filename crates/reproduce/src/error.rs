//! What can be wrong with logs or a run folder, with the file and the place in it.

use std::path::PathBuf;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Logs or a run that could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is larger than is read into memory.
    #[error("{file}: more than {most} bytes")]
    TooLarge {
        /// Which file.
        file: String,
        /// The most that is read.
        most: u64,
    },
    /// It is not the table that it should be.
    #[error("{file}:{line}: {what}")]
    Table {
        /// Which file.
        file: String,
        /// From 1, the heading.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// A value that cannot be.
    #[error("{file}:{line}: column {column}: {what}")]
    Value {
        /// Which file.
        file: String,
        /// From 1, the heading.
        line: usize,
        /// The column's name.
        column: String,
        /// What is wrong with it.
        what: String,
    },
    /// The folder holds neither logs nor a run.
    #[error("{} is neither a run folder nor holds one of the authors' logs", path.display())]
    Nothing {
        /// Which folder.
        path: PathBuf,
    },
    /// A run folder of ours cannot be read.
    #[error(transparent)]
    Run(#[from] record::Error),
    /// The document cannot be written as JSON.
    #[error("cannot write the document as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Error {
    /// How to mend it, in one sentence; `None` when the message says all there is.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { .. } | Self::Json(_) => None,
            Self::TooLarge { .. } => Some("the authors' logs have 72 rows at most: name the folder that holds them".into()),
            Self::Table { .. } | Self::Value { .. } => Some("compare it with the file that the authors published".into()),
            Self::Nothing { .. } => Some(format!(
                "name a folder with run.json, or one with {}; without a folder the logs that come with the program are used",
                crate::FILES.join(", ")
            )),
            Self::Run(error) => error.hint(),
        }
    }
}
