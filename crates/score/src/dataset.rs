//! Data sets from disk, row by row: Parquet, JSONL, one JSON array, an object with a `data` array (SQuAD's official file and the hub's
//! flat export), and CSV; one file or the shards of a folder. Which one it is, is seen from the first bytes. Of a text file no more than
//! one row is in memory, of a Parquet file no more than a page of each column that is read.
//!
//! Not here: downloads (see `hub`) and the digest of the files.

mod csv;
mod fields;
mod files;
mod part;
mod rows;
mod values;

use std::{
    collections::HashSet,
    io::BufRead,
    path::{Path, PathBuf},
};

pub use fields::Fields;
pub use files::{Wanted, choose, files};
pub use part::{Part, Split};
use serde_json::Value;

use self::rows::{Fault, Rows};
use crate::{Error, Example, Result, error::Place, row::Field, tasks::Task};

/// How much is read at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Examples; the rest of the files is not looked at.
    pub examples: usize,
    /// Bytes of one JSON value or CSV record. One that is larger is an error: a file that is not a data set has no line ends.
    pub value_bytes: usize,
    /// Rows that may be left out because they are not what the task's rows are. One more is an error.
    pub bad_rows: usize,
}

impl Limits {
    /// The first `examples` examples, no value over 64 MiB, no bad row.
    pub fn first(examples: usize) -> Self {
        Self { examples, value_bytes: 64 << 20, bad_rows: 0 }
    }
}

/// What is read, and how it is understood.
#[derive(Clone, Debug)]
pub struct Source {
    /// Read one after the other.
    pub files: Vec<PathBuf>,
    /// Whose rows they are.
    pub task: &'static Task,
    /// Columns that have other names than the published ones.
    pub fields: Fields,
    /// How much is read.
    pub limits: Limits,
    /// Only the rows of one part of a split by id.
    pub part: Option<(Split, Part)>,
}

/// What was read.
#[derive(Debug)]
pub struct Read {
    /// In file order; each id once.
    pub examples: Vec<Example>,
    /// What was wrong with the rows that were left out.
    pub bad: Vec<Error>,
    /// Rows left out because a row before has their id.
    pub repeated: usize,
}

impl Source {
    /// A file, or the shards of a folder, under the published names.
    ///
    /// # Errors
    /// Those of [`files`].
    pub fn at(path: &Path, task: &'static Task, limits: Limits) -> Result<Self> {
        let files = files(path, &Wanted::default())?;
        Ok(Self { files, task, fields: Fields::default(), limits, part: None })
    }

    /// All examples within the limits.
    ///
    /// # Errors
    /// A file that cannot be opened or read; a row that is not what it should be, with its file and line, beyond those that may be left
    /// out; or no example at all.
    pub fn read(self) -> Result<Read> {
        let first = self.files.first().cloned().unwrap_or_default();
        let mut reading = self.examples();
        let examples = reading.by_ref().collect::<Result<Vec<_>>>()?;
        if examples.is_empty() {
            return Err(reading.bad.pop().unwrap_or(Error::NoRows { path: first }));
        }
        Ok(Read { examples, bad: reading.bad, repeated: reading.repeated })
    }

    /// The examples as they are asked for; ends after the first error.
    pub fn examples(self) -> Examples {
        let files = self.files.clone().into_iter();
        Examples::new(self, files, None)
    }

    /// The examples of a text at hand instead of the files, read as a file of that name would be.
    ///
    /// # Errors
    /// CSV whose first line names no columns.
    pub fn examples_of(self, text: Vec<u8>, name: &Path) -> Result<Examples> {
        let open = Values::of(text, name, self.limits.value_bytes)?;
        Ok(Examples::new(self, Vec::new().into_iter(), Some(open)))
    }
}

/// All examples of a file or folder within the limits.
///
/// # Errors
/// Those of [`Source::read`].
pub fn read(path: &Path, task: &'static Task, limits: Limits) -> Result<Vec<Example>> {
    Ok(Source::at(path, task, limits)?.read()?.examples)
}

/// A text file, or a text at hand.
type Reader = Box<dyn BufRead + Send>;

/// The examples of a data set, read as they are asked for.
pub struct Examples {
    source: Source,
    /// Files that were not opened yet.
    files: std::vec::IntoIter<PathBuf>,
    open: Option<Values>,
    left: usize,
    ids: HashSet<String>,
    bad: Vec<Error>,
    repeated: usize,
    /// What the current row gave and was not handed out yet.
    ready: std::vec::IntoIter<Result<Example>>,
}

/// The rows of one file as JSON values, with their places.
pub(crate) struct Values {
    rows: Rows<Reader>,
    path: PathBuf,
    row: u64,
    ended: bool,
}

impl std::fmt::Debug for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Values").field("path", &self.path).field("row", &self.row).finish_non_exhaustive()
    }
}

impl Values {
    /// Opens a file; of Parquet only the named columns are read.
    pub(crate) fn open(path: &Path, columns: &[&str], value_bytes: usize) -> Result<Self> {
        let rows = rows::open(path, columns, value_bytes);
        Self::new(rows, path)
    }

    /// The same for a text at hand.
    fn of(text: Vec<u8>, name: &Path, value_bytes: usize) -> Result<Self> {
        let reader: Reader = Box::new(std::io::Cursor::new(text));
        Self::new(rows::text(reader, name, value_bytes), name)
    }

    /// Whether nothing follows the last error.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    fn new(rows: std::result::Result<Rows<Reader>, Fault>, path: &Path) -> Result<Self> {
        let path = path.to_owned();
        match rows {
            Ok(rows) => Ok(Self { rows, path, row: 0, ended: false }),
            Err(fault) => Err(error(fault, Place { path, line: Some(1), row: 0 })),
        }
    }
}

impl Iterator for Values {
    type Item = (Place, Result<Value>);

    /// Ends after an error that leaves it open where the next row begins.
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.rows.next()?;
        self.row += 1;
        let place = Place { path: self.path.clone(), line: self.rows.line(), row: self.row };
        self.ended = next.as_ref().is_err_and(Fault::ends);
        Some((place.clone(), next.map_err(|fault| error(fault, place))))
    }
}

impl std::fmt::Debug for Examples {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Examples").field("source", &self.source).field("left", &self.left).finish_non_exhaustive()
    }
}

impl Examples {
    /// What was wrong with the rows left out so far.
    pub fn bad(&self) -> &[Error] {
        &self.bad
    }

    fn new(source: Source, files: std::vec::IntoIter<PathBuf>, open: Option<Values>) -> Self {
        let left = source.limits.examples;
        Self { source, files, open, left, ids: HashSet::new(), bad: Vec::new(), repeated: 0, ready: Vec::new().into_iter() }
    }

    /// What the next row gives; `None` at the end of the open file.
    fn next_row(&mut self) -> Option<Result<Vec<Result<Example>>>> {
        let open = self.open.as_mut()?;
        let (place, row) = open.next()?;
        let read = match row {
            Ok(row) => (self.source.task.read)(&Field::row(&row, &self.source.fields)),
            Err(error) if open.has_ended() => return Some(Err(error)),
            Err(error) => return Some(Ok(vec![Err(error)])),
        };
        let named = |read: std::result::Result<_, _>| {
            read.map_err(|problem| Error::Row { place: place.clone(), problem, task: self.source.task.name })
        };
        Some(Ok(read.into_iter().map(named).collect()))
    }

    /// Whether an example is one of those that are asked for.
    fn is_wanted(&mut self, example: &Example) -> bool {
        if self.source.part.is_some_and(|(split, part)| split.part(&example.id) != part) {
            return false;
        }
        let is_new = self.ids.insert(example.id.clone());
        self.repeated += usize::from(!is_new);
        is_new
    }

    /// Leaves a bad row out, as long as that is allowed.
    fn leave_out(&mut self, error: Error) -> Result<()> {
        let limit = self.source.limits.bad_rows;
        if self.bad.len() < limit {
            self.bad.push(error);
            return Ok(());
        }
        Err(if limit == 0 { error } else { Error::TooManyBad { limit, last: Box::new(error) } })
    }

    /// Opens the next file; `None` after the last.
    fn next_file(&mut self) -> Option<Result<()>> {
        let path = self.files.next()?;
        let open = Values::open(&path, &self.source.fields.roots(self.source.task), self.source.limits.value_bytes);
        Some(open.map(|open| self.open = Some(open)))
    }

    fn advance(&mut self) -> Option<Result<Example>> {
        while self.left > 0 {
            match self.ready.next() {
                Some(Ok(example)) if self.is_wanted(&example) => {
                    self.left -= 1;
                    return Some(Ok(example));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    if let Err(error) = self.leave_out(error) {
                        return Some(Err(error));
                    }
                }
                None => match self.next_row() {
                    Some(Ok(read)) => self.ready = read.into_iter(),
                    Some(Err(error)) => return Some(Err(error)),
                    None => {
                        if let Err(error) = self.next_file()? {
                            return Some(Err(error));
                        }
                    }
                },
            }
        }
        None
    }
}

impl Iterator for Examples {
    type Item = Result<Example>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance();
        if !matches!(next, Some(Ok(_))) {
            self.left = 0;
        }
        next
    }
}

fn error(fault: Fault, mut place: Place) -> Error {
    match fault {
        Fault::Io(source) | Fault::Columns(columns::Error::Io(source)) => Error::Io { path: place.path, source },
        Fault::TooLarge { limit } => Error::TooLarge { place, limit },
        Fault::Syntax { message, lines, .. } => {
            place.line = place.line.map(|line| line + lines);
            Error::Syntax { place, message }
        }
        Fault::Columns(source) => Error::Parquet { place: Place { line: None, ..place }, source },
        Fault::NotTheFile { what, mend } => Error::NotTheFile { path: place.path, what, mend },
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;
    use crate::tasks;

    fn examples(task: &str, text: &[u8]) -> Result<Vec<Example>> {
        source(task, 0).examples_of(text.to_vec(), Path::new("rows.jsonl"))?.collect()
    }

    fn source(task: &str, bad_rows: usize) -> Source {
        let limits = Limits { examples: 100, value_bytes: 2000, bad_rows };
        Source { files: Vec::new(), task: tasks::find(task).unwrap(), fields: Fields::default(), limits, part: None }
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
        let mut one = source("rag", 0);
        one.limits.examples = 1;
        assert_eq!(one.examples_of(text.into_bytes(), Path::new("x")).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_field_has_its_line() {
        check_error(
            "summarization",
            &format!("{A}\n{{\"document\": \"x\", \"id\": \"2\"}}\n"),
            expect![[r#"
                rows.jsonl:2 (row 2): `summary` should be a text, but is missing
                hint: rows of `summarization` have `document` (a text), `summary` (a text) and perhaps `id`; where only a few are bad, allow as many to be left out"#]],
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

    #[test]
    fn bad_rows_are_left_out_as_far_as_allowed() {
        let text = format!("{A}\n{{\"document\": \"x\"}}\nnot json\n{B}\n");
        let read = |bad_rows| {
            let mut reading = source("summarization", bad_rows).examples_of(text.clone().into_bytes(), Path::new("rows.jsonl")).unwrap();
            (reading.by_ref().collect::<Result<Vec<_>>>().map(|examples| examples.len()), reading.bad)
        };
        let (examples, bad) = read(2);
        assert_eq!(examples.unwrap(), 2);
        assert_eq!(
            bad.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "rows.jsonl:2 (row 2): `summary` should be a text, but is missing",
                "rows.jsonl:3 (row 3): not valid JSON: expected ident, at byte 2 of the line",
            ]
        );
        let error = read(1).0.unwrap_err();
        assert!(error.to_string().starts_with("more than 1 bad rows; the last: rows.jsonl:3"), "{error}");
        assert!(read(0).0.unwrap_err().to_string().starts_with("rows.jsonl:2"));
    }

    #[test]
    fn a_repeated_id_is_left_out_and_counted() {
        let mut reading = source("summarization", 0).examples_of(format!("{A}\n{A}\n{B}").into_bytes(), Path::new("x.jsonl")).unwrap();
        assert_eq!((reading.by_ref().count(), reading.repeated), (2, 1));
    }

    #[test]
    fn a_csv_of_the_same_rows() {
        let text = "id,document,summary\n1,\"Long [text] \"\"{\",Short.\n2,Other text.,Other.\n";
        let rows: Result<Vec<_>> = source("summarization", 0).examples_of(text.into(), Path::new("xsum.csv")).unwrap().collect();
        assert_eq!(rows.unwrap(), examples("summarization", format!("{A}\n{B}").as_bytes()).unwrap());
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
