//! What can go wrong between text and token ids, with the facts as fields and one sentence on how to mend it.

use std::path::{Path, PathBuf};

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A tokenizer, vocabulary or chat template that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A model folder without its tokenizer.
    #[error("no tokenizer in {}: {file} is missing", folder.display())]
    MissingTokenizer {
        /// The model folder.
        folder: PathBuf,
        /// The file that was looked for.
        file: &'static str,
    },
    /// A model folder whose tokenizer is in a form that only other programs read.
    #[error("no tokenizer.json in {}, only {file}, which is not read", folder.display())]
    SlowTokenizer {
        /// The model folder.
        folder: PathBuf,
        /// What there is instead.
        file: &'static str,
    },
    /// A file could not be read or written.
    #[error("cannot {verb} {}: {source}", path.display())]
    Io {
        /// `read` or `write`.
        verb: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is not the JSON it should be.
    #[error("{}: {source}", path.display())]
    Json {
        /// Which file.
        path: PathBuf,
        /// Where and what.
        source: serde_json::Error,
    },
    /// A tokenizer that reads but cannot be built or used.
    #[error("{origin}: {reason}")]
    Tokenizer {
        /// The file, or `gguf metadata`.
        origin: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A special token that the vocabulary lacks.
    #[error("{origin}: {role} `{token}` is not in the vocabulary")]
    UnknownToken {
        /// The file that names it.
        origin: String,
        /// Such as `eos_token`.
        role: &'static str,
        /// The token as written.
        token: String,
    },
    /// GGUF metadata that is absent, of another type, or at odds with itself.
    #[error("gguf metadata {key}: {reason}")]
    Metadata {
        /// The metadata key.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A pre-tokenizer that has no counterpart in the other format.
    #[error("unknown pre-tokenizer `{name}`; known: {known}")]
    UnknownPreTokenizer {
        /// The GGUF name, or the split pattern of a `tokenizer.json`.
        name: String,
        /// The names that are known, separated by commas.
        known: String,
    },
    /// A text could not be tokenized.
    #[error("cannot encode text: {reason}")]
    Encode {
        /// What the tokenizer said.
        reason: String,
    },
    /// A tokenizer that is not made for pairs.
    #[error("{}: its post-processor puts no special tokens around a pair", path.display())]
    Unframed {
        /// Which file.
        path: PathBuf,
    },
    /// A pair whose second text leaves no room for the first.
    #[error("the second text and what frames the pair take {needed} tokens of at most {most}")]
    NoRoom {
        /// Tokens of the second text and of the frame.
        needed: usize,
        /// The most tokens of a pair.
        most: usize,
    },
    /// A chat template that does not parse or does not render.
    #[error("chat template: {reason}")]
    Template {
        /// What and where.
        reason: String,
    },
    /// A chat template refused the conversation (`raise_exception`).
    #[error("chat template refuses the conversation: {reason}")]
    Refused {
        /// The template's own words.
        reason: String,
    },
    /// A chat template used more instructions than allowed.
    #[error("chat template ran past {fuel} instructions")]
    OutOfFuel {
        /// The limit.
        fuel: u64,
    },
    /// A conversation without an assistant message, where an answer is needed.
    #[error("conversation of {messages} messages has no assistant message")]
    NoAnswer {
        /// How many messages it has.
        messages: usize,
    },
    /// The template renders a conversation's beginning differently once more messages follow.
    #[error("chat template rewrites earlier text when message {message} is added")]
    NotPrefix {
        /// Position of the message, from 0.
        message: usize,
    },
    /// The ids of an answer cannot be told from those of its prompt.
    #[error("no token boundary between the prompt and message {message}")]
    NoBoundary {
        /// Position of the message, from 0.
        message: usize,
    },
}

impl Error {
    /// How to mend it, in a sentence; `None` when the message says all there is.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::MissingTokenizer { .. } => {
                "copy tokenizer.json and tokenizer_config.json from the model's page into the folder, or point to a complete model folder"
                    .into()
            }
            Self::SlowTokenizer { folder, .. } => format!(
                "write it once with Python: from transformers import AutoTokenizer; AutoTokenizer.from_pretrained({0:?}).save_pretrained({0:?})",
                folder.display().to_string()
            ),
            Self::Unframed { .. } => "take the tokenizer.json that the cross-encoder was published with".into(),
            Self::NoRoom { .. } => "shorten the second text, or take a model with a longer context".into(),
            Self::Io { verb: "write", .. } => "check that the disk has room and that the folder may be written".into(),
            Self::Json { .. } => "the file may be a partial download or a Git LFS pointer; fetch it again".into(),
            Self::UnknownToken { .. } => "tokenizer.json and tokenizer_config.json must come from the same model".into(),
            Self::Metadata { .. } => "the file may be damaged or written by another converter; convert the model again".into(),
            Self::UnknownPreTokenizer { .. } => {
                "use a model folder with tokenizer.json; GGUF tokenizers of LLaMA 3 and Qwen 2.5 models are known".into()
            }
            Self::Template { .. } | Self::OutOfFuel { .. } => "check the template in chat_template.jinja or tokenizer_config.json".into(),
            Self::Refused { .. } => "check the order and roles of the messages: most templates want user and assistant in turn".into(),
            Self::NoAnswer { .. } => "end each conversation with a message of role `assistant`".into(),
            Self::NotPrefix { .. } | Self::NoBoundary { .. } => {
                "use conversations with one assistant message, or a template that leaves earlier turns as they were".into()
            }
            Self::Tokenizer { .. } => {
                "the file may be a partial download, or not a BPE tokenizer of the LLaMA or Qwen families; fetch it again".into()
            }
            Self::Io { .. } | Self::Encode { .. } => return None,
        })
    }
}

/// Reads a file, naming it in the error.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::Io { verb: "read", path: path.to_owned(), source })
}

/// Reads a file that may be absent.
pub(crate) fn read_optional(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io { verb: "read", path: path.to_owned(), source }),
    }
}
