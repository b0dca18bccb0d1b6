//! What can go wrong with weights that are to be compared, with the facts as fields and one sentence on how to mend it.

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Weights that cannot be run, or not be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A model could not be run.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// Token ids do not mean the same to both.
    #[error("the two models do not have the same vocabulary: {difference}")]
    Vocabularies {
        /// The first thing that differs.
        difference: String,
    },
}

impl From<model::tensor::Error> for Error {
    fn from(error: model::tensor::Error) -> Self {
        Self::Model(error.into())
    }
}

impl Error {
    /// How to mend it, in a sentence, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Model(error) => error.hint(),
            Self::Vocabularies { .. } => Some("compare quantised weights with those that they were made of".to_owned()),
        }
    }
}
