//! A reading that may be missing, and why. Serialised as `{"value": x}` or `{"missing": "reason"}`.

use serde::{Deserialize, Serialize};

/// Why a figure cannot be known, in words a report can print under its table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Missing(pub String);

impl Missing {
    /// A reason: lower case, no final stop.
    pub fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value as observed, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reading<T> {
    /// It was observed.
    #[serde(rename = "value")]
    Known(T),
    /// It was not, for this reason.
    #[serde(rename = "missing")]
    Missing(Missing),
}

impl<T> Reading<T> {
    /// A missing reading with its reason.
    pub fn missing(reason: impl Into<String>) -> Self {
        Self::Missing(Missing::because(reason))
    }

    /// The value, or the reason as an error, so that `?` carries it to the figure that needed it.
    ///
    /// # Errors
    /// The reading is missing.
    pub fn known(&self) -> Result<&T, Missing> {
        match self {
            Self::Known(value) => Ok(value),
            Self::Missing(why) => Err(why.clone()),
        }
    }

    /// The same reading with its value changed.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Reading<U> {
        match self {
            Self::Known(value) => Reading::Known(f(value)),
            Self::Missing(why) => Reading::Missing(why),
        }
    }
}

impl<T> From<Result<T, Missing>> for Reading<T> {
    fn from(result: Result<T, Missing>) -> Self {
        match result {
            Ok(value) => Self::Known(value),
            Err(why) => Self::Missing(why),
        }
    }
}
