//! Answers that were given elsewhere, with their references: rows `{"prediction": "…", "references": ["…"], "premise": "…"}` of a JSON,
//! CSV or Parquet file, read one at a time, to be marked apart from any task.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::{
    Message, Result, Role,
    dataset::{Fields, Values},
    error::{Error, Place, Problem},
    row::{Field, id_or_digest},
};

/// One answer to be marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// The row's `id`, or a digest of what stands in it.
    pub id: String,
    /// What was answered, which may be empty; or why there is no answer, of the column `failure` of a row without a prediction.
    pub answer: Result<String, String>,
    /// Acceptable answers, of the column `references` or `reference`; at least one, and each says something.
    pub references: Vec<String>,
    /// What the answer should follow from, where the row tells it.
    pub premise: Option<String>,
    /// What was asked, of the column `messages`, or `prompt` for a single message of the user; empty where the row does not tell it.
    pub messages: Vec<Message>,
}

/// The answers of a file.
#[derive(Debug)]
pub struct Predictions(Values);

/// Opens a file of answers. A value has at most `value_bytes` bytes.
///
/// # Errors
/// The file cannot be opened, or is of no known form.
pub fn predictions(path: &Path, value_bytes: usize) -> Result<Predictions> {
    Values::open(path, COLUMNS, value_bytes).map(Predictions)
}

const COLUMNS: &[&str] = &["failure", "id", "messages", "prediction", "premise", "prompt", "reference", "references"];

impl Predictions {
    /// Whether rows can follow the last error: it was of one row and not of the file.
    pub fn goes_on(&self) -> bool {
        !self.0.has_ended()
    }
}

impl Iterator for Predictions {
    type Item = Result<Prediction>;

    /// After an error of one row the next is read; after one of the file there is none.
    fn next(&mut self) -> Option<Self::Item> {
        let (place, row) = self.0.next()?;
        Some(row.and_then(|row| Prediction::read(&Field::row(&row, &Fields::default())).map_err(|problem| told(place, problem))))
    }
}

fn told(place: Place, problem: Problem) -> Error {
    Error::Prediction { place, problem }
}

impl Prediction {
    /// The row that reads as this answer.
    pub fn to_row(&self) -> Value {
        let mut row = Map::from_iter([("id".to_owned(), self.id.as_str().into())]);
        match &self.answer {
            Ok(answer) => row.insert("prediction".to_owned(), answer.as_str().into()),
            Err(reason) => row.insert("failure".to_owned(), reason.as_str().into()),
        };
        row.insert("references".to_owned(), self.references.clone().into());
        if let Some(premise) = &self.premise {
            row.insert("premise".to_owned(), premise.as_str().into());
        }
        if !self.messages.is_empty() {
            row.insert("messages".to_owned(), json!(self.messages));
        }
        Value::Object(row)
    }

    fn read(row: &Field) -> Result<Self, Problem> {
        let (prediction, failure) = (row.get("prediction"), row.get("failure"));
        let answer = if failure.exists() && !prediction.exists() { Err(failure.some_text()?) } else { Ok(prediction.text()?) };
        let references = row.get("references");
        let references = if references.exists() || !row.get("reference").exists() { references } else { row.get("reference") }.texts()?;
        let premise = row.get("premise");
        let premise = if premise.exists() { Some(premise.some_text()?) } else { None };
        let (Ok(said) | Err(said)) = answer;
        let id = id_or_digest(row, &[&[said], &references[..]].concat())?;
        let answer = answer.map(str::to_owned).map_err(str::to_owned);
        let references = references.into_iter().map(str::to_owned).collect();
        Ok(Self { id, answer, references, premise: premise.map(str::to_owned), messages: asked(row)? })
    }
}

fn asked(row: &Field) -> Result<Vec<Message>, Problem> {
    let (messages, prompt) = (row.get("messages"), row.get("prompt"));
    if messages.exists() {
        return messages.list()?.iter().map(Message::read).collect();
    }
    if prompt.exists() { Ok(vec![Message::new(Role::User, prompt.some_text()?)]) } else { Ok(Vec::new()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Result<Prediction>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.jsonl");
        std::fs::write(&path, text).unwrap();
        predictions(&path, 1000).unwrap().collect()
    }

    #[test]
    fn rows_with_one_reference_or_several() {
        let rows = read(concat!(
            "{\"prediction\": \"\", \"references\": [\"a\", \"b\"], \"premise\": \"p\", \"id\": 7}\n",
            "{\"prediction\": \"x\", \"references\": \"a\"}\n",
            "{\"prediction\": \"x\", \"reference\": \"a\"}\n",
        ));
        let rows: Vec<Prediction> = rows.into_iter().map(Result::unwrap).collect();
        assert_eq!((rows[0].id.as_str(), rows[0].references.len(), rows[0].premise.as_deref()), ("7", 2, Some("p")));
        assert_eq!(rows[1], rows[2]);
    }

    #[test]
    fn a_row_that_is_written_is_read_again() {
        let rows = [
            Prediction {
                id: "a".into(),
                answer: Ok(String::new()),
                references: vec!["x".into(), "y".into()],
                premise: Some("p".into()),
                messages: vec![Message::new(Role::System, "Be brief."), Message::new(Role::User, "Well?")],
            },
            Prediction { id: "b".into(), answer: Err("timeout".into()), references: vec!["x".into()], premise: None, messages: Vec::new() },
        ];
        let text = rows.each_ref().map(|row| row.to_row().to_string()).join("\n");
        assert_eq!(read(&text).into_iter().map(Result::unwrap).collect::<Vec<_>>(), rows);
        let asked = read("{\"prediction\": \"x\", \"references\": [\"x\"], \"prompt\": \"Well?\"}\n").remove(0).unwrap();
        assert_eq!(asked.messages, [Message::new(Role::User, "Well?")]);
    }

    #[test]
    fn a_file_that_was_cut_off_does_not_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers.json");
        std::fs::write(&path, "[{\"prediction\": \"x\", \"references\": []}, {\"prediction\": ").unwrap();
        let mut rows = predictions(&path, 1000).unwrap();
        assert!(rows.next().unwrap().is_err() && rows.goes_on());
        assert!(rows.next().unwrap().is_err() && !rows.goes_on());
        assert!(rows.next().is_none());
    }

    #[test]
    fn what_is_wrong_is_named_and_the_next_row_is_read() {
        let rows = read(concat!(
            "{\"prediction\": \"x\", \"references\": []}\n",
            "{\"answer\": \"x\", \"references\": [\"a\"]}\n",
            "{\"prediction\": \"x\", \"references\": [\" \"]}\n",
            "not json\n",
            "{\"prediction\": \"x\", \"references\": [\"a\"]}\n",
        ));
        let said: Vec<String> =
            rows.iter().map(|row| row.as_ref().map_or_else(ToString::to_string, |row| row.answer.clone().unwrap())).collect();
        assert!(
            said[0].ends_with("answers.jsonl:1 (row 1): `references` should be a list with at least one element, but is an empty list")
        );
        assert!(said[1].ends_with("`prediction` should be a text, but is missing"));
        assert!(said[2].ends_with("`references[0]` should be a text that says something, but is an empty text"));
        assert!(said[3].contains("not valid JSON"));
        assert_eq!(said[4], "x");
        let hint = rows[1].as_ref().unwrap_err().hint().unwrap();
        assert_eq!(
            hint,
            "rows have `prediction` (a text), `references` (a text or a list of texts), and perhaps `premise`, `prompt` or `messages`, and `id`"
        );
    }
}
