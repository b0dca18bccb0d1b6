//! What can go wrong between artifacts, with the facts as fields and one sentence on how to mend it.

use std::io;
use std::path::{Path, PathBuf};

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A merge or a quantisation that could not be done. No output is left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model could not be read, or the weights not written.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// The adapter could not be read.
    #[error(transparent)]
    Adapter(#[from] adapt::Error),
    /// The tokenizer could not be read or carried over.
    #[error(transparent)]
    Text(#[from] text::Error),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The output folder holds something.
    #[error("{} exists and is not empty", path.display())]
    OutputExists {
        /// The folder.
        path: PathBuf,
    },
    /// An adapter that was made for another model.
    #[error("adapter {} does not fit the model: {module}: {reason}", adapter.display())]
    Misfit {
        /// The adapter folder.
        adapter: PathBuf,
        /// The module as the adapter names it.
        module: String,
        /// What does not fit.
        reason: String,
    },
    /// Weights for which the configuration has no place.
    #[error("{}: tensor {tensor} has no place in the model that config.json describes", model.display())]
    UnusedWeights {
        /// The model folder.
        model: PathBuf,
        /// The first such tensor.
        tensor: String,
    },
    /// A weight that is infinite or no number.
    #[error("tensor {tensor} has values that are not finite")]
    NotFinite {
        /// Its name.
        tensor: String,
    },
    /// A `config.json` that is not an object.
    #[error("{}: {reason}", path.display())]
    Config {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// How to mend it, in a sentence; `None` when the message says all there is.
    pub fn hint(&self) -> Option<String> {
        if self.disk_full() {
            return Some("make room on the disk, or write to another one; nothing was left behind".to_owned());
        }
        match self {
            Self::Model(error) => error.hint(),
            Self::Adapter(error) => error.hint(),
            Self::Text(error) => error.hint(),
            Self::Io { .. } => None,
            Self::OutputExists { .. } => Some("name a new folder, or remove this one".to_owned()),
            Self::Misfit { .. } => Some(
                "merge into the base model that the adapter was trained on (base_model_name_or_path in adapter_config.json)".to_owned(),
            ),
            Self::NotFinite { .. } => Some("the model is broken: look at how it was trained or merged".to_owned()),
            Self::UnusedWeights { .. } | Self::Config { .. } => {
                Some("the configuration and the weights must come from the same model".to_owned())
            }
        }
    }

    /// Whether the disk had no room.
    pub fn disk_full(&self) -> bool {
        let full = |source: &io::Error| matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        match self {
            Self::Io { source, .. } | Self::Model(model::Error::Io { source, .. }) | Self::Text(text::Error::Io { source, .. }) => {
                full(source)
            }
            _ => false,
        }
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}
