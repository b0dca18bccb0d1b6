//! What can be wrong with a Parquet file. The path is the caller's to name.

use parquet::errors::ParquetError;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The file is not Parquet, is cut off, or contradicts itself.
    #[error("not a sound Parquet file: {reason}")]
    Damaged {
        /// What is wrong.
        reason: String,
    },
    /// The file asks for more than any honest one.
    #[error("it claims {found} {what}, and at most {limit} are read")]
    TooMuch {
        /// Such as `bytes of one page`.
        what: &'static str,
        /// What is claimed.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// A text column holds other bytes.
    #[error("a text is not valid UTF-8")]
    NotUtf8,
    /// The pages are packed in a way that is not read here.
    #[error("its pages are written with {what}, which is not read")]
    Unsupported {
        /// Such as `the codec ZSTD`.
        what: String,
    },
}

impl Error {
    /// How to mend it, in one sentence.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io(_) => "check the path and its permissions".into(),
            Self::Damaged { .. } => "a download that was cut off looks like this; fetch the file again".into(),
            Self::TooMuch { .. } => "fetch the file again, or write it with smaller pages".into(),
            Self::NotUtf8 => "write the column again as UTF-8 text".into(),
            Self::Unsupported { .. } => {
                "write the file again with Snappy and plain or dictionary pages, as `datasets` and pyarrow do".into()
            }
        })
    }
}

impl From<ParquetError> for Error {
    fn from(error: ParquetError) -> Self {
        match error {
            ParquetError::External(source) => match source.downcast::<Self>() {
                Ok(own) => *own,
                Err(other) => match other.downcast::<std::io::Error>() {
                    Ok(io) => own_within(*io),
                    Err(other) => Self::Damaged { reason: other.to_string() },
                },
            },
            // The crate quotes all bytes of the text.
            ParquetError::General(message) if message.starts_with("Error reading BYTE_ARRAY as String") => Self::NotUtf8,
            ParquetError::General(message) => match message.strip_prefix("Disabled feature at compile time: ") {
                Some(codec) => Self::Unsupported { what: format!("the codec {codec}") },
                None => Self::Damaged { reason: message },
            },
            ParquetError::NYI(what) => Self::Unsupported { what },
            other => Self::Damaged { reason: other.to_string() },
        }
    }
}

/// An error of ours that went through a reader's `io::Error`.
fn own_within(error: std::io::Error) -> Error {
    match error.downcast::<Error>() {
        Ok(own) => own,
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Error::Damaged { reason: "it ends too early".into() },
        Err(error) => Error::Io(error),
    }
}

impl From<Error> for ParquetError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;
