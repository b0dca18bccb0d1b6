//! Reading the fields of a JSON row, with the name of the one that is wrong.

use serde_json::Value;

use crate::{dataset::Fields, error::Problem};

/// A value and its name within the row.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    name: String,
    value: Option<&'a Value>,
    /// Other names of the row's fields; only the row itself has some.
    fields: Option<&'a Fields>,
}

impl<'a> Field<'a> {
    /// The row itself.
    pub(crate) fn row(value: &'a Value, fields: &'a Fields) -> Self {
        Self { name: String::new(), value: Some(value), fields: Some(fields) }
    }

    /// A member of an object; absent where there is none.
    pub(crate) fn get(&self, key: &str) -> Self {
        match self.fields.and_then(|fields| fields.column(key)) {
            Some(column) => column.split('.').fold(Self { fields: None, ..self.clone() }, |field, key| field.member(key)),
            None => self.member(key),
        }
    }

    fn member(&self, key: &str) -> Self {
        let name = if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) };
        Self { name, value: self.value.and_then(|value| value.get(key)), fields: None }
    }

    /// Whether the user said which column it is.
    pub(crate) fn is_named(&self, key: &str) -> bool {
        self.fields.is_some_and(|fields| fields.column(key).is_some())
    }

    /// Whether anything but `null` stands there.
    pub(crate) fn exists(&self) -> bool {
        self.value.is_some_and(|value| !value.is_null())
    }

    /// A text, as it stands.
    pub(crate) fn text(&self) -> Result<&'a str, Problem> {
        self.value.and_then(Value::as_str).ok_or_else(|| self.problem("a text"))
    }

    /// A text that is more than white space.
    pub(crate) fn some_text(&self) -> Result<&'a str, Problem> {
        let text = self.text()?;
        if text.trim().is_empty() { Err(self.problem("a text that says something")) } else { Ok(text) }
    }

    /// An id: a text or a whole number.
    pub(crate) fn id(&self) -> Result<String, Problem> {
        match self.value {
            Some(Value::String(id)) if !id.is_empty() => Ok(id.clone()),
            Some(Value::Number(id)) => Ok(id.to_string()),
            _ => Err(self.problem("an id")),
        }
    }

    /// The elements of an array with at least one.
    pub(crate) fn list(&self) -> Result<Vec<Self>, Problem> {
        let list = self.value.and_then(Value::as_array).filter(|list| !list.is_empty());
        let list = list.ok_or_else(|| self.problem("a list with at least one element"))?;
        let element = |(i, value)| Self { name: format!("{}[{i}]", self.name), value: Some(value), fields: None };
        Ok(list.iter().enumerate().map(element).collect())
    }

    /// One or more texts that say something: a text, a list of texts, or an object with either as `text`, as SQuAD's answers are.
    pub(crate) fn texts(&self) -> Result<Vec<&'a str>, Problem> {
        match self.value {
            Some(Value::String(_)) => Ok(vec![self.some_text()?]),
            Some(Value::Object(_)) => self.member("text").texts(),
            Some(Value::Array(_)) => self.list()?.iter().map(Self::some_text).collect(),
            _ => Err(self.problem("a text or a list of texts")),
        }
    }

    /// What is wrong, given what should stand there.
    pub(crate) fn problem(&self, expected: &'static str) -> Problem {
        let found = match self.value {
            None => "missing",
            Some(Value::Null) => "null",
            Some(Value::Bool(_)) => "true or false",
            Some(Value::Number(_)) => "a number",
            Some(Value::String(text)) if text.trim().is_empty() => "an empty text",
            Some(Value::String(_)) => "another text",
            Some(Value::Array(list)) if list.is_empty() => "an empty list",
            Some(Value::Array(_)) => "a list",
            Some(Value::Object(_)) => "an object",
        };
        Problem { field: if self.name.is_empty() { "row".into() } else { self.name.clone() }, expected, found }
    }
}

/// The row's `id`; where the data set has none, a digest of what the row asks: the same in every file and at every place.
pub(crate) fn id_or_digest(row: &Field, parts: &[&str]) -> Result<String, Problem> {
    let id = row.get("id");
    if row.is_named("id") || id.exists() {
        return id.id();
    }
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    Ok(hasher.finalize().to_hex()[..16].to_owned())
}
