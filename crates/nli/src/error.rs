//! What can go wrong with an NLI model or its rows, with the facts as fields and one sentence on how to mend it.

use std::io;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A model that cannot judge, or rows that cannot be judged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model could not be read or run.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// The tokenizer could not be read or used.
    #[error(transparent)]
    Text(#[from] text::Error),
    /// Labels that do not say which is which.
    #[error("the labels {found:?} are not those of an NLI model")]
    Labels {
        /// As `config.json` has them.
        found: Vec<String>,
    },
    /// A row that is not what it should be.
    #[error("row {number}: {reason}")]
    Row {
        /// Its line, from 1.
        number: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// Rows could not be read, or verdicts not written.
    #[error("cannot {verb} rows: {source}")]
    Io {
        /// `read` or `write`.
        verb: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// How to mend it, in a sentence, where that is known.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Model(error) => return error.hint(),
            Self::Text(error) => return error.hint(),
            Self::Labels { .. } => {
                "say in config.json which logit is which: \"id2label\": {\"0\": \"contradiction\", \"1\": \"neutral\", \"2\": \"entailment\"} in the model's own order, from its page".into()
            }
            Self::Row { .. } => "write one JSON object a line: {\"premise\": \"…\", \"hypothesis\": \"…\"}, with an \"id\" if you like".into(),
            Self::Io { .. } => return None,
        })
    }
}
