//! What can be wrong with a result file, with the file and the place in it.

use std::path::PathBuf;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A file that could not be imported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It could not be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is larger than is read into memory.
    #[error("{}: more than {most} bytes", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// The most that is read.
        most: u64,
    },
    /// None of the known formats has its keys.
    #[error("{}: not a result file of a known format", path.display())]
    Unknown {
        /// Which file.
        path: PathBuf,
    },
    /// It is not the JSON that its format calls for.
    #[error("{}:{line}:{column}: {what}", path.display())]
    Json {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What was found or missing.
        what: String,
    },
    /// A value that cannot be.
    #[error("{}: {place}: {what}", path.display())]
    Value {
        /// Which file.
        path: PathBuf,
        /// Where in it: a path of keys.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// As many values were given as there are not measurements.
    #[error("{given} values of {what} for {measurements} measurements")]
    Count {
        /// Which value.
        what: &'static str,
        /// How many were given.
        given: usize,
        /// How many measurements the files hold.
        measurements: usize,
    },
}

impl Error {
    /// How to mend it, in one sentence; `None` when the message says all there is.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { .. } => None,
            Self::TooLarge { .. } => Some("import the summary instead of the rows, or fewer rows".to_owned()),
            Self::Unknown { .. } => {
                let known: Vec<String> = crate::FORMATS.iter().map(|format| format!("{} ({})", format.name, format.title)).collect();
                Some(format!("known are {}; name the format when its keys do not tell", known.join(", ")))
            }
            Self::Json { .. } | Self::Value { .. } => Some("look whether the benchmark ended well and the file is whole".to_owned()),
            Self::Count { what, .. } => Some(format!("give {what} once for each measurement, in the order of the files")),
        }
    }
}
