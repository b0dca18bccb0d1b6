//! The rows of one file as JSON objects, whatever the file is: JSON, CSV or Parquet, seen from its first bytes and its name.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek},
    path::Path,
};

use columns::Table;
use serde_json::Value;

use super::{csv::Csv, values::Splitter};

/// Why there is no row.
pub(super) enum Fault {
    Io(std::io::Error),
    TooLarge {
        limit: usize,
    },
    /// Not what the format says. After a fault that `ends`, it is not known where the next row begins.
    Syntax {
        message: String,
        lines: u64,
        ends: bool,
    },
    Columns(columns::Error),
    /// Packed, or a pointer to the file.
    NotTheFile {
        what: &'static str,
        mend: &'static str,
    },
}

impl Fault {
    pub(super) fn broken(message: impl Into<String>) -> Self {
        Self::Syntax { message: message.into(), lines: 0, ends: true }
    }

    pub(super) fn row(message: impl Into<String>) -> Self {
        Self::Syntax { message: message.into(), lines: 0, ends: false }
    }

    /// Whether rows can follow.
    pub(super) fn ends(&self) -> bool {
        !matches!(self, Self::Syntax { ends: false, .. })
    }
}

/// A file that is read row by row.
pub(super) enum Rows<R> {
    Json(Splitter<R>),
    Csv(Box<Csv<R>>),
    Parquet(Box<columns::Rows>),
}

/// Opens a file. `columns` are those that its reader will look at.
pub(super) fn open(path: &Path, columns: &[&str], limit: usize) -> Result<Rows<super::Reader>, Fault> {
    let mut file = File::open(path).map_err(Fault::Io)?;
    let mut start = Vec::new();
    (&mut file).take(24).read_to_end(&mut start).map_err(Fault::Io)?;
    refuse(&start)?;
    if start.starts_with(b"PAR1") {
        return Table::open(file).and_then(|table| table.rows(columns)).map(Box::new).map(Rows::Parquet).map_err(Fault::Columns);
    }
    file.rewind().map_err(Fault::Io)?;
    text(Box::new(BufReader::with_capacity(1 << 16, file)), path, limit)
}

/// Rows from any reader of text; the name says whether it is CSV.
pub(super) fn text<R: BufRead>(reader: R, path: &Path, limit: usize) -> Result<Rows<R>, Fault> {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
        return Csv::new(reader, limit).map(Box::new).map(Rows::Csv);
    }
    Splitter::new(reader, limit).map(Rows::Json).map_err(Fault::Io)
}

/// What is not the data set but stands for it.
fn refuse(start: &[u8]) -> Result<(), Fault> {
    let unpack = "unpack it first: gunzip, zstd -d, unzip or tar -x";
    let (what, mend) = match start {
        [0x1f, 0x8b, ..] => ("packed with gzip", unpack),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => ("packed with zstd", unpack),
        [b'P', b'K', 3, 4, ..] => ("a zip archive", unpack),
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => ("Arrow", "write it as Parquet or JSONL: Dataset.to_parquet(…), Dataset.to_json(…)"),
        _ if start == b"version https://git-lfs." => ("a Git LFS pointer, not the file itself", "run `git lfs pull` in that folder"),
        _ => return Ok(()),
    };
    Err(Fault::NotTheFile { what, mend })
}

impl<R: BufRead> Rows<R> {
    /// The next row; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Result<Value, Fault>> {
        match self {
            Self::Json(values) => values.next_value().transpose().map(|bytes| bytes.and_then(|bytes| parse(&bytes))),
            Self::Csv(csv) => csv.next_row().transpose(),
            Self::Parquet(rows) => rows.next().map(|row| row.map_err(Fault::Columns)),
        }
    }

    /// Line on which the last row begins, where there are lines.
    pub(super) fn line(&self) -> Option<u64> {
        match self {
            Self::Json(values) => Some(values.line()),
            Self::Csv(csv) => Some(csv.line()),
            Self::Parquet(_) => None,
        }
    }
}

/// The parser's complaint counts lines within the value.
fn parse(bytes: &[u8]) -> Result<Value, Fault> {
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        let what = text.split_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        let message = match std::str::from_utf8(bytes) {
            Err(not_text) => format!("not UTF-8, at byte {} of the row", not_text.valid_up_to() + 1),
            Ok(_) => format!("not valid JSON: {what}, at byte {} of the line", error.column()),
        };
        Fault::Syntax { message, lines: (error.line() as u64).saturating_sub(1), ends: false }
    })
}
