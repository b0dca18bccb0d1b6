//! Data sets from disk, row by row: JSONL, one JSON array, or an object with a `data` array (SQuAD's official file and the hub's
//! flat export). Which one it is, is seen from the first bytes. Never more than one row is in memory.
//!
//! Not here: Parquet and CSV, downloads, splits, and the digest of the file.

mod split;

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
};

use self::split::{Fault, Splitter};
use crate::{Error, Example, Result, error::Place, tasks::Task};

/// How much is read at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Examples; the rest of the file is not looked at.
    pub examples: usize,
    /// Bytes of one JSON value. A value that is larger is an error: a file that is not a data set has no line ends.
    pub value_bytes: usize,
}

impl Limits {
    /// The first `examples` examples, no value over 64 MiB.
    pub fn first(examples: usize) -> Self {
        Self { examples, value_bytes: 64 << 20 }
    }
}

/// Opens a data set of a task. Rows come in file order; iteration ends after the first error.
///
/// # Errors
/// The file cannot be opened or read.
pub fn open(path: &Path, task: &'static Task, limits: Limits) -> Result<Examples<BufReader<File>>> {
    let file = File::open(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    Examples::new(BufReader::with_capacity(1 << 16, file), path, task, limits)
}

/// All examples of a data set within the limits.
///
/// # Errors
/// Those of [`open`]; a row that is not JSON or lacks a field, with its line; or no row at all.
pub fn read(path: &Path, task: &'static Task, limits: Limits) -> Result<Vec<Example>> {
    let examples = open(path, task, limits)?.collect::<Result<Vec<_>>>()?;
    if examples.is_empty() { Err(Error::NoRows { path: path.to_owned() }) } else { Ok(examples) }
}

/// The examples of a data set, read as they are asked for.
pub struct Examples<R> {
    splitter: Splitter<R>,
    path: PathBuf,
    task: &'static Task,
    left: usize,
    row: u64,
    /// Examples of the current value that were not handed out yet.
    ready: std::vec::IntoIter<Example>,
}

impl<R: BufRead> Examples<R> {
    /// Examples from any reader; `path` is only named in errors.
    ///
    /// # Errors
    /// The reader fails.
    pub fn new(reader: R, path: &Path, task: &'static Task, limits: Limits) -> Result<Self> {
        let splitter = Splitter::new(reader, limits.value_bytes).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Ok(Self { splitter, path: path.to_owned(), task, left: limits.examples, row: 0, ready: Vec::new().into_iter() })
    }

    /// The examples of the next value; `None` at the end of the data.
    fn next_value(&mut self) -> Option<Result<Vec<Example>>> {
        let next = self.splitter.next_value().transpose()?;
        self.row += 1;
        let place = Place { path: self.path.clone(), line: self.splitter.line(), row: self.row };
        Some(next.map_err(|fault| self.error(fault, place.clone())).and_then(|bytes| self.parse(&bytes, place)))
    }

    fn parse(&self, bytes: &[u8], place: Place) -> Result<Vec<Example>> {
        let value = serde_json::from_slice(bytes).map_err(|error| syntax(&error, place.clone()))?;
        (self.task.read)(&value).map_err(|problem| Error::Row { place, problem, task: self.task.name })
    }

    fn error(&self, fault: Fault, place: Place) -> Error {
        match fault {
            Fault::Io(source) => Error::Io { path: self.path.clone(), source },
            Fault::TooLarge { limit } => Error::TooLarge { place, limit },
            Fault::Syntax(message) => Error::Syntax { place, message: message.to_owned() },
        }
    }
}

/// The parser's complaint, at its line of the file instead of its line of the value.
fn syntax(error: &serde_json::Error, mut place: Place) -> Error {
    place.line += (error.line() as u64).saturating_sub(1);
    let text = error.to_string();
    let what = text.split_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    Error::Syntax { place, message: format!("{what}, at byte {} of the line", error.column()) }
}

impl<R: BufRead> Iterator for Examples<R> {
    type Item = Result<Example>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        loop {
            if let Some(example) = self.ready.next() {
                self.left -= 1;
                return Some(Ok(example));
            }
            match self.next_value()? {
                Ok(examples) => self.ready = examples.into_iter(),
                Err(error) => {
                    self.left = 0;
                    return Some(Err(error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;
    use crate::tasks;

    fn examples(task: &str, text: &[u8]) -> Result<Vec<Example>> {
        Examples::new(text, Path::new("rows.jsonl"), tasks::find(task).unwrap(), Limits { examples: 100, value_bytes: 2000 })?.collect()
    }

    fn check_error(task: &str, text: &str, want: Expect) {
        let error = examples(task, text.as_bytes()).unwrap_err();
        want.assert_eq(&format!("{error}\nhint: {}", error.hint().unwrap()));
    }

    const A: &str = r#"{"document": "Long [text] \"{", "summary": "Short.", "id": "1"}"#;
    const B: &str = r#"{"document": "Other text.", "summary": "Other.", "id": "2"}"#;

    #[test]
    fn the_same_rows_in_every_layout() {
        let lines = examples("summarization", format!("{A}\n\n{B}").as_bytes()).unwrap();
        assert_eq!(lines.iter().map(|e| e.id.as_str()).collect::<Vec<_>>(), ["1", "2"]);
        for text in [
            format!("[{A},{B}]"),
            format!("\u{feff} [\n {A} ,\n{B}\n]\n"),
            format!("{{\"version\": \"1.1\", \"data\": [{A},\n{B}]}}"),
            format!("{{\n  \"data\" : [ {A}, {B} ], \"version\": 2}}"),
            format!("{A}\r\n{B}\r\n"),
        ] {
            assert_eq!(examples("summarization", text.as_bytes()).unwrap(), lines, "{text}");
        }
    }

    #[test]
    fn official_squad_counts_questions() {
        let qa = |id: &str| format!(r#"{{"id": "{id}", "question": "q", "answers": [{{"text": "a", "answer_start": 0}}]}}"#);
        let text = format!(
            r#"{{"data": [{{"title": "t", "paragraphs": [{{"context": "c", "qas": [{}, {}]}}]}}], "version": "1.1"}}"#,
            qa("1"),
            qa("2")
        );
        assert_eq!(examples("rag", text.as_bytes()).unwrap().len(), 2);
        let one = Examples::new(text.as_bytes(), Path::new("x"), tasks::find("rag").unwrap(), Limits::first(1)).unwrap();
        assert_eq!(one.count(), 1);
    }

    #[test]
    fn a_missing_field_has_its_line() {
        check_error(
            "summarization",
            &format!("{A}\n{{\"document\": \"x\", \"id\": \"2\"}}\n"),
            expect![[r#"
                rows.jsonl:2 (row 2): `summary` should be a text, but is missing
                hint: rows of `summarization` have `document` (a text), `summary` (a text) and `id`"#]],
        );
    }

    #[test]
    fn a_row_that_is_not_json_has_its_line() {
        check_error(
            "chat",
            "\n\nnot json\n",
            expect![[r#"
                rows.jsonl:3 (row 1): not valid JSON: expected ident, at byte 2 of the line
                hint: write one JSON object a line (JSONL), one JSON array of objects, or SQuAD's official file; a cut-off download looks like this too"#]],
        );
    }

    #[test]
    fn a_file_that_was_cut_off() {
        check_error(
            "summarization",
            &format!("[{A},\n{}", &B[..30]),
            expect![[r#"
                rows.jsonl:2 (row 2): not valid JSON: the file ends in the middle of a row
                hint: write one JSON object a line (JSONL), one JSON array of objects, or SQuAD's official file; a cut-off download looks like this too"#]],
        );
        check_error(
            "summarization",
            &format!("[{A}"),
            expect![[r#"
                rows.jsonl:1 (row 2): not valid JSON: the file ends before its closing bracket
                hint: write one JSON object a line (JSONL), one JSON array of objects, or SQuAD's official file; a cut-off download looks like this too"#]],
        );
    }

    #[test]
    fn a_row_without_end() {
        check_error(
            "rag",
            &"x".repeat(3000),
            expect![[r#"
                rows.jsonl:1 (row 1): the row is larger than 2000 bytes
                hint: is this the right file? one JSON object a line, or one JSON array of objects, is read"#]],
        );
    }

    #[test]
    fn invalid_utf8_is_an_error() {
        assert!(matches!(examples("chat", b"{\"prompt_id\": \"\xff\"}\n"), Err(Error::Syntax { .. })));
    }

    #[test]
    fn an_empty_or_absent_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty.jsonl");
        std::fs::write(&path, "\n \n").unwrap();
        let task = tasks::find("rag").unwrap();
        assert!(matches!(read(&path, task, Limits::first(5)), Err(Error::NoRows { .. })));
        assert!(matches!(read(&folder.path().join("absent"), task, Limits::first(5)), Err(Error::Io { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = examples("rag", &bytes);
        }

        #[test]
        fn no_json_like_text_panics(text in r#"[\[\]{}",:\\a\n ]{0,80}"#) {
            let _ = examples("chat", text.as_bytes());
            let _ = examples("rag", format!("{{\"data\": [{text}").as_bytes());
        }
    }
}
