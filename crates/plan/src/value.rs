//! TOML values as Rust values, or the fault that says what was expected.

use std::{collections::BTreeMap, path::PathBuf};

use toml::{
    Spanned,
    de::{DeString, DeValue},
};

use crate::problem::Fault;

/// Longest piece of the plan's text that a message repeats, in characters.
const QUOTED: usize = 60;

/// At most [`QUOTED`] characters of the plan's text.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

pub(crate) fn wrong_type(expected: &'static str, found: &DeValue<'_>) -> Fault {
    Fault::WrongType { expected, found: type_name(found) }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// A type that a key may have.
pub(crate) trait FromToml: Sized {
    /// What to write, for messages.
    const EXPECTED: &'static str;

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Fault>;
}

impl FromToml for String {
    const EXPECTED: &'static str = "a string";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Fault> {
        value.as_str().map(str::to_owned).ok_or_else(|| wrong_type(Self::EXPECTED, value))
    }
}

impl FromToml for PathBuf {
    const EXPECTED: &'static str = "a path, as a string";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Fault> {
        let text = value.as_str().ok_or_else(|| wrong_type(Self::EXPECTED, value))?;
        if text.is_empty() || text.contains('\0') || text.starts_with('~') {
            let allowed = "a path written out (not empty, no `~`)".into();
            return Err(Fault::OutOfRange { found: format!("{:?}", quoted(text)), allowed });
        }
        Ok(Self::from(text))
    }
}

impl FromToml for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Fault> {
        value.as_bool().ok_or_else(|| wrong_type(Self::EXPECTED, value))
    }
}

impl FromToml for u64 {
    const EXPECTED: &'static str = "a whole number";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Fault> {
        let DeValue::Integer(integer) = value else { return Err(wrong_type(Self::EXPECTED, value)) };
        let parsed = i64::from_str_radix(integer.as_str(), integer.radix()).ok().and_then(|i| Self::try_from(i).ok());
        parsed.ok_or_else(|| Fault::OutOfRange { found: quoted(integer.as_str()), allowed: format!("from 0 to {}", i64::MAX) })
    }
}

impl FromToml for u32 {
    const EXPECTED: &'static str = "a whole number";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Fault> {
        let wide = u64::from_toml(value)?;
        Self::try_from(wide).map_err(|_| Fault::OutOfRange { found: wide.to_string(), allowed: format!("from 0 to {}", Self::MAX) })
    }
}

impl FromToml for f64 {
    const EXPECTED: &'static str = "a number";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Fault> {
        let parsed: Self = match value {
            DeValue::Integer(_) => u64::from_toml(value)? as Self,
            DeValue::Float(float) => float.as_str().parse().unwrap_or(Self::NAN),
            other => return Err(wrong_type(Self::EXPECTED, other)),
        };
        let found = || Fault::OutOfRange { found: parsed.to_string(), allowed: "a finite number".into() };
        parsed.is_finite().then_some(parsed).ok_or_else(found)
    }
}

impl<T: FromToml> FromToml for Vec<T> {
    const EXPECTED: &'static str = "an array";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Fault> {
        let elements = value.as_array().ok_or_else(|| wrong_type(Self::EXPECTED, value))?;
        elements.iter().map(|e| T::from_toml(e.get_ref())).collect()
    }
}

impl FromToml for BTreeMap<String, String> {
    const EXPECTED: &'static str = "a table of strings";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Fault> {
        let table = value.as_table().ok_or_else(|| wrong_type(Self::EXPECTED, value))?;
        let pair = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
            Ok((key.get_ref().to_string(), String::from_toml(value.get_ref())?))
        };
        table.iter().map(pair).collect()
    }
}

/// A whole number, or a list of some.
pub(crate) struct OneOrMore(pub(crate) Vec<u32>);

impl FromToml for OneOrMore {
    const EXPECTED: &'static str = "a whole number or an array of some";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Fault> {
        match value {
            DeValue::Integer(_) => Ok(Self(vec![u32::from_toml(value)?])),
            DeValue::Array(_) => Vec::from_toml(value).map(Self),
            other => Err(wrong_type(Self::EXPECTED, other)),
        }
    }
}

/// A path, or a list of some.
pub(crate) struct Paths(pub(crate) Vec<PathBuf>);

impl FromToml for Paths {
    const EXPECTED: &'static str = "a path or an array of some";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Fault> {
        match value {
            DeValue::String(_) => Ok(Self(vec![PathBuf::from_toml(value)?])),
            DeValue::Array(_) => Vec::from_toml(value).map(Self),
            other => Err(wrong_type(Self::EXPECTED, other)),
        }
    }
}

/// A calendar day, as a TOML date or a string.
pub(crate) struct Date(pub(crate) String);

impl FromToml for Date {
    const EXPECTED: &'static str = "a date such as 2026-08-01";

    fn from_toml(value: &DeValue<'_>) -> Result<Self, Fault> {
        let text = match value {
            DeValue::Datetime(date) => date.to_string(),
            DeValue::String(text) => text.to_string(),
            other => return Err(wrong_type(Self::EXPECTED, other)),
        };
        let day = text.parse::<toml::value::Datetime>().ok().filter(|d| d.time.is_none() && d.date.is_some());
        let fault = || Fault::OutOfRange { found: format!("{:?}", quoted(&text)), allowed: Self::EXPECTED.into() };
        day.map(|d| Self(d.to_string())).ok_or_else(fault)
    }
}

/// A TOML value as a JSON value; dates become strings.
pub(crate) fn json(value: &DeValue<'_>) -> Result<serde_json::Value, Fault> {
    Ok(match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Boolean(flag) => (*flag).into(),
        DeValue::Datetime(date) => date.to_string().into(),
        DeValue::Float(_) => f64::from_toml(value)?.into(),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_err(|_| Fault::OutOfRange { found: quoted(integer.as_str()), allowed: "a whole number of 64 bits".into() })?
            .into(),
        DeValue::Array(elements) => elements.iter().map(|e| json(e.get_ref())).collect::<Result<_, _>>()?,
        DeValue::Table(table) => {
            let pair =
                |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| Ok((key.get_ref().to_string(), json(value.get_ref())?));
            serde_json::Value::Object(table.iter().map(pair).collect::<Result<_, Fault>>()?)
        }
    })
}
