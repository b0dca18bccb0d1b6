//! A price that cannot be one. It is said, not computed with.

/// What is wrong with a price.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// A price or a factor outside its range.
    #[error("{what} is {value}, but should be {expected}")]
    OutOfRange {
        /// Which one, with its unit.
        what: &'static str,
        /// As given.
        value: f64,
        /// In words.
        expected: &'static str,
    },
}

impl Error {
    /// How to mend it, in one sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::OutOfRange { what, .. } => Some(format!("correct {what} in the plan's prices")),
        }
    }
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A finite number for which `fits` holds.
pub(crate) fn checked(what: &'static str, value: f64, expected: &'static str, fits: impl Fn(f64) -> bool) -> Result<f64> {
    if value.is_finite() && fits(value) { Ok(value) } else { Err(Error::OutOfRange { what, value, expected }) }
}
