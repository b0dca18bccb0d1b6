//! Metadata values and typed look-ups in them.

use crate::{Error, Result};

/// A value of GGUF metadata, of the kinds a tokenizer needs.
#[derive(Clone, Debug, PartialEq)]
pub enum MetadataValue {
    /// A string.
    String(String),
    /// An unsigned number.
    U32(u32),
    /// A flag.
    Bool(bool),
    /// An array of strings.
    Strings(Vec<String>),
    /// An array of signed numbers.
    I32s(Vec<i32>),
    /// An array of floating point numbers.
    F32s(Vec<f32>),
}

impl MetadataValue {
    fn kind(&self) -> &'static str {
        match self {
            Self::String(_) => "a string",
            Self::U32(_) => "a number",
            Self::Bool(_) => "a flag",
            Self::Strings(_) => "an array of strings",
            Self::I32s(_) => "an array of integers",
            Self::F32s(_) => "an array of floats",
        }
    }
}

/// Looks keys up and insists on their type.
pub(super) struct Keys<'a>(pub(super) &'a dyn Fn(&str) -> Option<MetadataValue>);

impl Keys<'_> {
    pub(super) fn string(&self, key: &'static str) -> Result<Option<String>> {
        self.typed(key, "a string", |value| if let MetadataValue::String(value) = value { Ok(value) } else { Err(value) })
    }

    pub(super) fn id(&self, key: &'static str) -> Result<Option<u32>> {
        self.typed(key, "a number", |value| if let MetadataValue::U32(value) = value { Ok(value) } else { Err(value) })
    }

    pub(super) fn flag(&self, key: &'static str) -> Result<Option<bool>> {
        self.typed(key, "a flag", |value| if let MetadataValue::Bool(value) = value { Ok(value) } else { Err(value) })
    }

    pub(super) fn strings(&self, key: &'static str) -> Result<Option<Vec<String>>> {
        self.typed(key, "an array of strings", |value| if let MetadataValue::Strings(value) = value { Ok(value) } else { Err(value) })
    }

    pub(super) fn integers(&self, key: &'static str) -> Result<Option<Vec<i32>>> {
        self.typed(key, "an array of integers", |value| if let MetadataValue::I32s(value) = value { Ok(value) } else { Err(value) })
    }

    pub(super) fn floats(&self, key: &'static str) -> Result<Option<Vec<f32>>> {
        self.typed(key, "an array of floats", |value| if let MetadataValue::F32s(value) = value { Ok(value) } else { Err(value) })
    }

    fn typed<T>(&self, key: &'static str, wanted: &str, take: impl Fn(MetadataValue) -> Result<T, MetadataValue>) -> Result<Option<T>> {
        let Some(value) = (self.0)(key) else { return Ok(None) };
        take(value).map(Some).map_err(|value| Error::Metadata { key, reason: format!("is {}, not {wanted}", value.kind()) })
    }
}
