//! What can go wrong in an adaptation, with the facts as fields and one sentence on how to mend it.

use std::path::{Path, PathBuf};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every failure of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read, written or renamed.
    #[error("cannot {verb} {}: {source}", path.display())]
    Io {
        /// `read`, `write`, `create`, `rename`.
        verb: &'static str,
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The adapter's folder is there already.
    #[error("{} exists already", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// A row of the corpus that is not JSON.
    #[error("{}:{line}: {source}", path.display())]
    RowJson {
        /// The corpus.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Where and what.
        source: serde_json::Error,
    },
    /// A row of the corpus that lacks something.
    #[error("{}:{line}: {problem}", path.display())]
    Row {
        /// The corpus.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What it lacks.
        problem: String,
    },
    /// A row of the corpus that cannot be rendered.
    #[error("{}:{line}: {source}", path.display())]
    RowText {
        /// The corpus.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Why not.
        source: text::Error,
    },
    /// A corpus without rows.
    #[error("{}: the corpus has no rows", path.display())]
    EmptyCorpus {
        /// The corpus.
        path: PathBuf,
    },
    /// A setting that makes no sense.
    #[error("{name} is {value}, {rule}")]
    Setting {
        /// Which one.
        name: &'static str,
        /// As given.
        value: String,
        /// What would do.
        rule: &'static str,
    },
    /// A module to adapt that the model does not have.
    #[error("no linear layer is named {target}")]
    UnknownTarget {
        /// As given.
        target: String,
        /// The last parts of the names of the model's linear layers.
        known: Vec<String>,
    },
    /// A token that the model's embedding does not have.
    #[error("the corpus has the token {id}, the model's vocabulary has {vocabulary} entries")]
    Vocabulary {
        /// Which token.
        id: u32,
        /// Rows of the embedding.
        vocabulary: usize,
    },
    /// A loss or gradient that is infinite or not a number.
    #[error("the {what} of step {step} is {value}")]
    NotFinite {
        /// `loss` or `gradient norm`.
        what: &'static str,
        /// From 1.
        step: u64,
        /// What it is.
        value: f64,
    },
    /// A parameter to train that no gradient reached.
    #[error("{name} got no gradient")]
    NoGradient {
        /// Its name.
        name: String,
    },
    /// An adapter configuration that is not JSON.
    #[error("{}: {source}", path.display())]
    PeftJson {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: serde_json::Error,
    },
    /// An adapter that asks for something this project does not do.
    #[error("{}: {key} = {value} is not supported", path.display())]
    PeftUnsupported {
        /// The file.
        path: PathBuf,
        /// Which key.
        key: String,
        /// Its value as written.
        value: String,
    },
    /// An adapter whose files contradict each other or the model.
    #[error("{}: {problem}", path.display())]
    Peft {
        /// The file.
        path: PathBuf,
        /// What contradicts.
        problem: String,
    },
    /// An adapter that does not fit the model.
    #[error("the adapter does not fit the model: {problem}")]
    Mismatch {
        /// What does not fit.
        problem: String,
    },
    /// The model could not be loaded, run or written.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// The tokenizer or the chat template could not be used.
    #[error(transparent)]
    Text(#[from] text::Error),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] model::tensor::Error),
}

impl Error {
    /// How to mend it, in one sentence, when that is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Io { .. } | Self::Tensor(_) | Self::NoGradient { .. } => return None,
            Self::Model(source) => return source.hint(),
            Self::Text(source) | Self::RowText { source, .. } => return source.hint(),
            Self::Exists { .. } => "name a folder that does not exist, or remove this one".to_owned(),
            Self::RowJson { .. } | Self::Row { .. } => {
                r#"a row is {"id": …, "messages": [{"role": …, "content": …}, …]} or {"prompt": …, "completion": …}, one a line"#.to_owned()
            }
            Self::EmptyCorpus { .. } => "give at least one row".to_owned(),
            Self::Setting { name, .. } => format!("choose another {name}"),
            Self::UnknownTarget { known, .. } => format!("one of: {}", known.join(", ")),
            Self::Vocabulary { .. } => "tokenizer and weights must come from the same model".to_owned(),
            Self::NotFinite { .. } => "lower the learning rate, or clip the gradient".to_owned(),
            Self::PeftJson { .. } | Self::Peft { .. } => {
                "take the folder as peft wrote it: adapter_config.json and adapter_model.safetensors".to_owned()
            }
            Self::PeftUnsupported { .. } => "supported are plain LoRA adapters of linear layers with one rank and one alpha".to_owned(),
            Self::Mismatch { .. } => "give the base model that the adapter was trained on".to_owned(),
        };
        Some(hint)
    }

    pub(crate) fn io(verb: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io { verb, path: path.to_owned(), source }
    }
}
