//! Comma-separated values with a line of names: quoted fields may hold commas, line ends and doubled quotes. Every value is a text.
//!
//! Source: RFC 4180, in UTF-8. A quote within an unquoted field stands for itself, as Python's `csv` has it. Other separators are not
//! guessed.

use std::io::BufRead;

use serde_json::{Map, Value};

use super::rows::Fault;

/// Most columns.
const MOST_COLUMNS: usize = 10_000;

/// A file whose names have been read.
pub(super) struct Csv<R> {
    reader: R,
    limit: usize,
    names: Vec<String>,
    /// Lines begun so far.
    lines: u64,
    /// Line on which the last record begins.
    line: u64,
}

/// Where in a record the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the first byte of a field.
    Start,
    Plain,
    Quoted,
    /// After a quote within a quoted field: its end, or the first of two.
    Quote,
}

impl<R: BufRead> Csv<R> {
    /// Reads the names.
    pub(super) fn new(mut reader: R, limit: usize) -> Result<Self, Fault> {
        if reader.fill_buf().map_err(Fault::Io)?.starts_with(b"\xef\xbb\xbf") {
            reader.consume(3);
        }
        let mut csv = Self { reader, limit, names: Vec::new(), lines: 1, line: 1 };
        let names = csv.record()?.unwrap_or_default();
        if names.len() > MOST_COLUMNS {
            return Err(Fault::broken(format!("{} columns, and at most {MOST_COLUMNS} are read", names.len())));
        }
        for (i, name) in names.iter().enumerate() {
            if names[..i].contains(name) {
                return Err(Fault::broken(format!("the first line names the column `{name}` twice")));
            }
        }
        csv.names = names;
        Ok(csv)
    }

    /// Line on which the last record begins, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The next record as an object of texts; `None` at the end.
    pub(super) fn next_row(&mut self) -> Result<Option<Value>, Fault> {
        let Some(record) = self.record()? else { return Ok(None) };
        if record.len() != self.names.len() {
            return Err(Fault::row(format!("{} fields, and the first line names {} columns", record.len(), self.names.len())));
        }
        let row: Map<String, Value> = self.names.iter().cloned().zip(record.into_iter().map(Value::from)).collect();
        Ok(Some(Value::Object(row)))
    }

    /// The fields of the next record; empty lines are stepped over.
    fn record(&mut self) -> Result<Option<Vec<String>>, Fault> {
        let mut fields = Fields::default();
        self.line = self.lines;
        loop {
            let buffer = self.reader.fill_buf().map_err(Fault::Io)?;
            if buffer.is_empty() {
                return fields.at_end();
            }
            let mut taken = 0;
            let mut ended = false;
            for &byte in buffer {
                taken += 1;
                self.lines += u64::from(byte == b'\n');
                ended = fields.take(byte)?;
                if ended {
                    break;
                }
                if fields.is_blank() {
                    self.line = self.lines;
                }
            }
            self.reader.consume(taken);
            if fields.text.len() + fields.ends.len() > self.limit {
                return Err(Fault::TooLarge { limit: self.limit });
            }
            if ended {
                return fields.whole().map(Some);
            }
        }
    }
}

/// The fields of a record while it is read.
struct Fields {
    /// All fields, one after the other.
    text: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
    state: State,
    /// Whether the current field was quoted, so that an empty one is more than an empty line.
    quoted: bool,
}

impl Default for Fields {
    fn default() -> Self {
        Self { text: Vec::new(), ends: Vec::new(), state: State::Start, quoted: false }
    }
}

impl Fields {
    /// Takes one byte; whether it ends the record.
    fn take(&mut self, byte: u8) -> Result<bool, Fault> {
        match (self.state, byte) {
            (State::Quoted, b'"') => self.state = State::Quote,
            (State::Quote, b'"') => {
                self.text.push(b'"');
                self.state = State::Quoted;
            }
            (State::Quoted, _) => self.text.push(byte),
            (State::Start, b'"') => {
                self.state = State::Quoted;
                self.quoted = true;
            }
            (_, b',') => self.end_field(),
            (_, b'\n') => {
                if self.is_blank() {
                    *self = Self::default();
                    return Ok(false);
                }
                self.end_field();
                return Ok(true);
            }
            // The other half of a line end; elsewhere it belongs to the field.
            (State::Quote, b'\r') => {}
            (State::Quote, _) => return Err(Fault::broken("something follows a closing quote that is neither a comma nor a line end")),
            (State::Start | State::Plain, _) => {
                self.text.push(byte);
                self.state = State::Plain;
            }
        }
        Ok(false)
    }

    /// Whether nothing of a record has been seen but perhaps half a line end.
    fn is_blank(&self) -> bool {
        self.ends.is_empty() && !self.quoted && matches!(self.text[..], [] | [b'\r'])
    }

    fn end_field(&mut self) {
        let start = self.ends.last().copied().unwrap_or(0);
        if !self.quoted && self.text.len() > start && self.text.last() == Some(&b'\r') {
            self.text.pop();
        }
        self.ends.push(self.text.len());
        self.state = State::Start;
        self.quoted = false;
    }

    /// The record at the end of the file, which needs no line end.
    fn at_end(mut self) -> Result<Option<Vec<String>>, Fault> {
        if self.state == State::Quoted {
            return Err(Fault::broken("the file ends within quotes"));
        }
        if self.is_blank() {
            return Ok(None);
        }
        self.end_field();
        self.whole().map(Some)
    }

    fn whole(self) -> Result<Vec<String>, Fault> {
        let text = String::from_utf8(self.text).map_err(|_| Fault::row("not valid UTF-8"))?;
        let mut start = 0;
        let field = |end: usize| text.get(std::mem::replace(&mut start, end)..end).map(str::to_owned);
        self.ends.into_iter().map(field).collect::<Option<_>>().ok_or_else(|| Fault::row("not valid UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn rows(text: &[u8]) -> Result<Vec<Value>, String> {
        let told = |fault: Fault| match fault {
            Fault::Syntax { message, .. } => message,
            Fault::TooLarge { limit } => format!("over {limit}"),
            _ => "other".to_owned(),
        };
        let mut csv = Csv::new(text, 200).map_err(told)?;
        std::iter::from_fn(|| csv.next_row().transpose()).map(|row| row.map_err(told)).collect()
    }

    #[test]
    fn quotes_commas_and_lines() {
        let text = "\u{feff}id,document\r\n1,\"He said \"\"no\"\", and\r\nleft.\"\r\n\r\n2,it's 5\" long\r\n3,\r\n4,\"\"";
        let found = rows(text.as_bytes()).unwrap();
        assert_eq!(found[0], json!({"id": "1", "document": "He said \"no\", and\r\nleft."}));
        assert_eq!(found[1], json!({"id": "2", "document": "it's 5\" long"}));
        assert_eq!((&found[2], &found[3]), (&json!({"id": "3", "document": ""}), &json!({"id": "4", "document": ""})));
        assert_eq!(found.len(), 4);
    }

    #[test]
    fn lines_are_counted_within_quotes() {
        let mut csv = Csv::new(&b"a\n\n\"x\ny\"\nz\n"[..], 100).ok().unwrap();
        let mut lines = Vec::new();
        while let Ok(Some(_)) = csv.next_row() {
            lines.push(csv.line());
        }
        assert_eq!(lines, [3, 5]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, want) in [
            (&b"a,b\n1\n"[..], "1 fields, and the first line names 2 columns"),
            (b"a,a\n", "the first line names the column `a` twice"),
            (b"a\n\"x", "the file ends within quotes"),
            (b"a\n\"x\"y\n", "something follows a closing quote that is neither a comma nor a line end"),
            (b"a\n\xff\n", "not valid UTF-8"),
            (b"a,b\n\xc3,\xa9\n", "not valid UTF-8"),
        ] {
            assert_eq!(rows(text).unwrap_err(), want);
        }
        assert_eq!(rows(&[b"a\n".as_slice(), &[b'x'; 300]].concat()).unwrap_err(), "over 200");
        assert_eq!(rows(b"").unwrap(), [] as [Value; 0]);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b",\"\r\n".to_vec())], 0..120)) {
            let _ = rows(&bytes);
        }

        #[test]
        fn what_is_written_comes_back(cells in prop::collection::vec("[a\",\r\nß ]{0,5}", 1..8)) {
            let mut text = "name\n".to_owned();
            for cell in &cells {
                text.extend(["\"", &cell.replace('"', "\"\""), "\"\r\n"]);
            }
            let found: Vec<String> = rows(text.as_bytes()).unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
            prop_assert_eq!(found, cells);
        }
    }
}
