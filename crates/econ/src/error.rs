//! A price that cannot be one, or that is not in the book. It is said, not computed with.

/// What is wrong with a price, or with a book of them.
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
    /// A text that is too large for a price book.
    #[error("{origin} is larger than {most} bytes")]
    TooLarge {
        /// Which text.
        origin: String,
        /// The most that is read.
        most: u64,
    },
    /// A text that is no price book.
    #[error("{origin} is no price book: {reason}")]
    Book {
        /// Which text.
        origin: String,
        /// What its parser says, in one line.
        reason: String,
    },
    /// An entry of a price book that cannot be believed.
    #[error("{origin}: {place}: {reason}")]
    Entry {
        /// Which text.
        origin: String,
        /// Such as `models[3]`, from 0.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// A name that the book does not know.
    #[error("the price book knows no {what} `{name}`")]
    Unknown {
        /// What was looked for.
        what: &'static str,
        /// As given.
        name: String,
        /// The nearest known names, the nearest first; perhaps none.
        near: Vec<String>,
    },
    /// A name that several entries bear.
    #[error("several entries are called {what} `{name}`")]
    Ambiguous {
        /// What was looked for.
        what: &'static str,
        /// As given.
        name: String,
        /// Names that each mean one of them.
        choices: Vec<String>,
    },
}

impl Error {
    /// How to mend it, in one sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::OutOfRange { what, .. } => Some(format!("correct {what} in the plan's prices")),
            Self::TooLarge { .. } => Some("give a price book of TOML, or LiteLLM's price list".into()),
            Self::Book { .. } => Some("docs/prices.md shows the form of a price book".into()),
            Self::Entry { .. } => Some("correct or leave out this entry".into()),
            Self::Unknown { near, .. } if near.is_empty() => {
                Some("`edge-eval prices --search TEXT` finds names; a figure of your own goes into the plan or a book of your own".into())
            }
            Self::Unknown { near, .. } => Some(format!("nearest: {}; or give a figure of your own", near.join(", "))),
            Self::Ambiguous { choices, .. } => Some(format!("one of: {}", choices.join(", "))),
        }
    }
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A finite number for which `fits` holds.
pub(crate) fn checked(what: &'static str, value: f64, expected: &'static str, fits: impl Fn(f64) -> bool) -> Result<f64> {
    if value.is_finite() && fits(value) { Ok(value) } else { Err(Error::OutOfRange { what, value, expected }) }
}
