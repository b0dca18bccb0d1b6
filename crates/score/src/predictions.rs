//! Answers that were given elsewhere, with their references: rows `{"prediction": "…", "references": ["…"], "premise": "…"}` of a JSON,
//! CSV or Parquet file, read one at a time, to be marked apart from any task.

use std::path::Path;

use crate::{
    Result,
    dataset::{Fields, Values},
    error::{Error, Place, Problem},
    row::{Field, id_or_digest},
};

/// One answer to be marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// The row's `id`, or a digest of what stands in it.
    pub id: String,
    /// What was answered; may be empty.
    pub prediction: String,
    /// Acceptable answers, of the column `references` or `reference`; at least one, and each says something.
    pub references: Vec<String>,
    /// What the answer should follow from, where the row tells it.
    pub premise: Option<String>,
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

const COLUMNS: &[&str] = &["id", "prediction", "premise", "reference", "references"];

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
        Some(row.and_then(|row| prediction(&Field::row(&row, &Fields::default())).map_err(|problem| told(place, problem))))
    }
}

fn told(place: Place, problem: Problem) -> Error {
    Error::Prediction { place, problem }
}

fn prediction(row: &Field) -> Result<Prediction, Problem> {
    let prediction = row.get("prediction").text()?;
    let references = row.get("references");
    let references = if references.exists() || !row.get("reference").exists() { references } else { row.get("reference") }.texts()?;
    let premise = row.get("premise");
    let premise = if premise.exists() { Some(premise.some_text()?) } else { None };
    let id = id_or_digest(row, &[&[prediction], &references[..]].concat())?;
    let references = references.into_iter().map(str::to_owned).collect();
    Ok(Prediction { id, prediction: prediction.to_owned(), references, premise: premise.map(str::to_owned) })
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
            rows.iter().map(|row| row.as_ref().map_or_else(ToString::to_string, |row| row.prediction.clone())).collect();
        assert!(
            said[0].ends_with("answers.jsonl:1 (row 1): `references` should be a list with at least one element, but is an empty list")
        );
        assert!(said[1].ends_with("`prediction` should be a text, but is missing"));
        assert!(said[2].ends_with("`references[0]` should be a text that says something, but is an empty text"));
        assert!(said[3].contains("not valid JSON"));
        assert_eq!(said[4], "x");
        let hint = rows[1].as_ref().unwrap_err().hint().unwrap();
        assert_eq!(hint, "rows have `prediction` (a text), `references` (a text or a list of texts), and perhaps `premise` and `id`");
    }
}
