//! What can go wrong with a model, with the facts as fields. Not a log: nothing is printed here.

use std::path::{Path, PathBuf};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be opened, mapped, read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A path that is neither a model folder nor a GGUF file.
    #[error("{path}: neither a folder with config.json nor a .gguf file")]
    NotAModel {
        /// Which path.
        path: PathBuf,
    },
    /// A model folder without weights in a format that is read.
    #[error("{path}: neither model.safetensors nor model.safetensors.index.json")]
    NoWeights {
        /// Which folder.
        path: PathBuf,
    },
    /// What went wrong inside a file.
    #[error("{path}: {source}")]
    InFile {
        /// Which file.
        path: PathBuf,
        /// What went wrong in it.
        source: Box<Error>,
    },
    /// Bytes that contradict the file's own format.
    #[error("malformed {format} at byte {offset}: {what}")]
    Malformed {
        /// `GGUF`, `safetensors`, `JSON`.
        format: &'static str,
        /// Where in the file, in bytes from its start.
        offset: u64,
        /// What contradicts.
        what: String,
    },
    /// A GGUF version that is not read.
    #[error("GGUF version {version} is not read (2 and 3 are)")]
    GgufVersion {
        /// The version the file states.
        version: u32,
    },
    /// A storage type that is not read.
    #[error("tensor {tensor} has the unsupported type {found}")]
    UnsupportedType {
        /// Which tensor.
        tensor: String,
        /// Name or number of its type.
        found: String,
    },
    /// A model family that is not known.
    #[error("unsupported architecture {found}")]
    UnsupportedArchitecture {
        /// The word in the file.
        found: String,
    },
    /// A model family that is not known among encoders.
    #[error("unsupported encoder architecture {found}")]
    UnsupportedEncoder {
        /// The word in the file.
        found: String,
    },
    /// A configuration that asks for something that is not done here.
    #[error("unsupported configuration: {key} = {value}")]
    UnsupportedConfig {
        /// Which key.
        key: String,
        /// Its value as written.
        value: String,
        /// What is supported.
        supported: String,
    },
    /// A configuration key that must be there.
    #[error("missing key {key}")]
    MissingKey {
        /// Which key.
        key: String,
    },
    /// A configuration value that makes no sense.
    #[error("invalid configuration: {key}: {reason}")]
    InvalidConfig {
        /// Which key.
        key: String,
        /// Why not.
        reason: String,
    },
    /// A weight that the configuration calls for and the files lack.
    #[error("tensor {name} is missing")]
    MissingTensor {
        /// Its name.
        name: String,
    },
    /// A weight whose shape is not what the configuration says.
    #[error("tensor {name} has the shape {got:?}, the configuration calls for {expected:?}")]
    ShapeMismatch {
        /// Its name.
        name: String,
        /// From the configuration.
        expected: Vec<usize>,
        /// From the file.
        got: Vec<usize>,
    },
    /// A weight that the configuration does not call for.
    #[error("tensor {name} has no place in the model that the configuration describes")]
    UnexpectedTensor {
        /// Its name.
        name: String,
    },
    /// A weight that is too large for f16.
    #[error("tensor {name} has values beyond the range of f16")]
    F16Overflow {
        /// Its name.
        name: String,
    },
    /// More positions than the cache was made for.
    #[error("the KV cache holds {capacity} positions, {needed} are needed")]
    CacheFull {
        /// Positions it was made for.
        capacity: usize,
        /// Positions asked for.
        needed: usize,
    },
    /// More memory than there is.
    #[error("no memory for {what} of {bytes} bytes")]
    NoRoom {
        /// Weights, KV cache.
        what: &'static str,
        /// Bytes asked for.
        bytes: u128,
    },
    /// An argument that does not fit the model or the other arguments.
    #[error("{what}: expected {expected}, got {got}")]
    Argument {
        /// Which argument.
        what: &'static str,
        /// What would fit.
        expected: String,
        /// What was given.
        got: String,
    },
    /// A linear layer that cannot do what training needs.
    #[error("{name}: a {kind} layer cannot {action}")]
    Untrainable {
        /// Which layer.
        name: String,
        /// Its kind.
        kind: &'static str,
        /// What was asked of it.
        action: &'static str,
    },
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl Error {
    /// How to mend it, in one sentence, when that is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::InFile { source, .. } => return source.hint(),
            Self::Io { .. } | Self::Tensor(_) | Self::Argument { .. } => return None,
            Self::NotAModel { .. } => "give a Hugging Face model folder or a GGUF file".to_owned(),
            Self::NoWeights { .. } => "convert the weights to safetensors; pickled weights (pytorch_model.bin) are never read".to_owned(),
            Self::Malformed { .. } => "the file is damaged or was not fully copied: fetch it again".to_owned(),
            Self::GgufVersion { version: 1 } => "convert it again with a current llama.cpp, which writes version 3".to_owned(),
            Self::GgufVersion { .. } => "if the version is huge the file is big-endian; convert it again".to_owned(),
            Self::UnsupportedType { .. } => {
                "safetensors may hold F32, F16 and BF16; GGUF may hold those and Q8_0, Q4_0, Q4_K and Q6_K: quantise again to one of them"
                    .to_owned()
            }
            Self::UnsupportedArchitecture { .. } => {
                let known: Vec<_> = crate::arch::FAMILIES.iter().map(|f| f.model_type).collect();
                format!("supported: {}", known.join(", "))
            }
            Self::UnsupportedEncoder { .. } => {
                let known: Vec<_> = crate::encoder::FAMILIES.iter().flat_map(|f| f.model_types).copied().collect();
                format!("supported: {}", known.join(", "))
            }
            Self::UnsupportedConfig { supported, .. } => format!("supported: {supported}"),
            Self::MissingKey { key } => format!("add {key} to the configuration, or take the file the model was published with"),
            Self::InvalidConfig { .. } | Self::MissingTensor { .. } | Self::UnexpectedTensor { .. } | Self::ShapeMismatch { .. } => {
                "the configuration and the weights must come from the same model".to_owned()
            }
            Self::F16Overflow { .. } => "load with f32 instead of f16".to_owned(),
            Self::CacheFull { .. } => "shorten the prompt or the answer, or ask for a longer context".to_owned(),
            Self::NoRoom { .. } => "use a smaller shape, a shorter context or a narrower format".to_owned(),
            Self::Untrainable { .. } => "train from a dense safetensors folder, in full precision or with an NF4 base".to_owned(),
        };
        Some(hint)
    }

    /// Whether the weights are of a kind that is not read here, and nothing is wrong with them.
    pub fn is_unsupported(&self) -> bool {
        match self {
            Self::InFile { source, .. } => source.is_unsupported(),
            Self::GgufVersion { .. }
            | Self::UnsupportedType { .. }
            | Self::UnsupportedArchitecture { .. }
            | Self::UnsupportedConfig { .. } => true,
            _ => false,
        }
    }

    /// The same error, with the file it happened in.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Io { .. } | Self::InFile { .. } | Self::NotAModel { .. } | Self::NoWeights { .. } => self,
            other => Self::InFile { path: path.to_owned(), source: Box::new(other) },
        }
    }

    /// serde's message has line and column; the offset is that place in bytes.
    pub(crate) fn json(text: &str, error: &serde_json::Error) -> Self {
        let before: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let offset = (before + error.column().saturating_sub(1)) as u64;
        Self::Malformed { format: "JSON", offset, what: error.to_string() }
    }

    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}
