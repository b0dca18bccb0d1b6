//! Rows of the corpus as written: JSON Lines of conversations.

use std::io::BufRead as _;
use std::path::Path;

use serde_json::{Map, Value};
use text::Message;

use crate::{Error, Result};

/// One conversation. Its last message is an answer of the assistant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// As written; empty when the row has none.
    pub id: String,
    /// In order.
    pub messages: Vec<Message>,
    /// Line of the file, from 1.
    pub line: usize,
}

/// Reads every row of a JSON Lines file: `{"id", "messages": [{"role", "content"}, …]}` or `{"prompt", "completion"}`. Other keys
/// are passed over, as are empty lines.
///
/// # Errors
/// With the line's number, when a row is not JSON or lacks something.
pub fn read(path: &Path) -> Result<Vec<Row>> {
    let file = std::fs::File::open(path).map_err(|e| Error::io("read", path, e))?;
    let mut rows = Vec::new();
    for (index, text) in std::io::BufReader::new(file).split(b'\n').enumerate() {
        let text = text.map_err(|e| Error::io("read", path, e))?;
        let line = index + 1;
        if text.trim_ascii().is_empty() {
            continue;
        }
        let value: Value = serde_json::from_slice(&text).map_err(|source| Error::RowJson { path: path.to_owned(), line, source })?;
        let row = row(&value, line).map_err(|problem| Error::Row { path: path.to_owned(), line, problem })?;
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(Error::EmptyCorpus { path: path.to_owned() });
    }
    Ok(rows)
}

fn row(value: &Value, line: usize) -> Result<Row, String> {
    let fields = value.as_object().ok_or("the row is no object")?;
    let id = fields.get("id").map_or_else(String::new, |id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
    let messages = if let Some(messages) = fields.get("messages") {
        let messages = messages.as_array().ok_or("messages is no list")?;
        messages.iter().enumerate().map(|(i, m)| message(m).map_err(|e| format!("messages[{i}]: {e}"))).collect::<Result<Vec<_>, _>>()?
    } else if fields.contains_key("prompt") || fields.contains_key("completion") {
        vec![Message::new("user", string(fields, "prompt")?), Message::new("assistant", string(fields, "completion")?)]
    } else {
        return Err("neither messages nor prompt and completion are there".to_owned());
    };
    match messages.last() {
        Some(last) if last.role == "assistant" => Ok(Row { id, messages, line }),
        Some(last) => Err(format!("the last message is of the role {}, not assistant", last.role)),
        None => Err("messages is empty".to_owned()),
    }
}

fn message(value: &Value) -> Result<Message, String> {
    let fields = value.as_object().ok_or("not an object")?;
    Ok(Message::new(string(fields, "role")?, string(fields, "content")?))
}

fn string<'a>(fields: &'a Map<String, Value>, key: &str) -> Result<&'a str, String> {
    let value = fields.get(key).ok_or_else(|| format!("{key} is missing"))?;
    value.as_str().ok_or_else(|| format!("{key} is no text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<Row>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path())
    }

    fn problem(text: &str) -> String {
        let message = read_text(text).unwrap_err().to_string();
        message[message.find(".tmp").unwrap()..].split_once(':').unwrap().1.to_owned()
    }

    #[test]
    fn both_forms_are_read_with_their_line_numbers() {
        let rows = read_text(concat!(
            r#"{"id": "a", "messages": [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "Ann."}]}"#,
            "\n\n",
            r#"{"prompt": "Where?", "completion": "Here.", "more": 1}"#,
        ))
        .unwrap();
        assert_eq!((rows[0].id.as_str(), rows[0].line, rows[1].line), ("a", 1, 3));
        assert_eq!(rows[1].messages, [Message::new("user", "Where?"), Message::new("assistant", "Here.")]);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let good = r#"{"prompt": "p", "completion": "c"}"#;
        assert!(problem(&format!("{good}\n{{")).starts_with("2: EOF while parsing"));
        assert_eq!(problem(&format!("{good}\n{{}}")), "2: neither messages nor prompt and completion are there");
        assert_eq!(problem(r#"{"prompt": "p"}"#), "1: completion is missing");
        assert_eq!(problem(r#"{"messages": []}"#), "1: messages is empty");
        assert_eq!(problem(r#"{"messages": [{"role": "user"}]}"#), "1: messages[0]: content is missing");
        assert_eq!(problem(r#"{"messages": [{"role": "user", "content": 3}]}"#), "1: messages[0]: content is no text");
        let user = r#"{"messages": [{"role": "user", "content": "x"}]}"#;
        assert_eq!(problem(user), "1: the last message is of the role user, not assistant");
        assert!(matches!(read_text("\n"), Err(Error::EmptyCorpus { .. })));
    }
}
