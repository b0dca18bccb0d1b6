//! Reading the fields of a JSON row, with the name of the one that is wrong.

use serde_json::Value;

use crate::error::Problem;

/// A value and its name within the row.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    name: String,
    value: Option<&'a Value>,
}

impl<'a> Field<'a> {
    /// The row itself.
    pub(crate) fn row(value: &'a Value) -> Self {
        Self { name: String::new(), value: Some(value) }
    }

    /// A member of an object; absent where there is none.
    pub(crate) fn get(&self, key: &str) -> Self {
        let name = if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) };
        Self { name, value: self.value.and_then(|value| value.get(key)) }
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
        Ok(list.iter().enumerate().map(|(i, value)| Self { name: format!("{}[{i}]", self.name), value: Some(value) }).collect())
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
