//! A CSV table (RFC 4180) in memory, bounded; columns are found by their names, and every complaint tells file, line and column.

use std::collections::HashMap;

use crate::{Error, Result};

/// The most that is read of a file.
pub(crate) const MOST_BYTES: u64 = 4 << 20;
/// The most rows of a table.
const MOST_ROWS: usize = 20_000;
/// The most columns of a table.
const MOST_COLUMNS: usize = 256;
/// The longest piece of a file that a message repeats, in characters.
const QUOTED: usize = 40;

/// A table with its heading.
pub(crate) struct Table {
    file: String,
    columns: HashMap<String, usize>,
    rows: Vec<(usize, Vec<String>)>,
}

/// One row of a table.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    table: &'a Table,
    pub(crate) line: usize,
    cells: &'a [String],
}

impl Table {
    /// Reads a table that must have these columns; others are passed over.
    pub(crate) fn parse(file: &str, text: &str, wanted: &[&str]) -> Result<Self> {
        let bad = |line, what: String| Error::Table { file: file.to_owned(), line, what };
        let mut records = records(text.strip_prefix('\u{feff}').unwrap_or(text)).map(|(line, record)| match record {
            Ok(cells) => Ok((line, cells)),
            Err(what) => Err(bad(line, what.to_owned())),
        });
        let (_, heading) = records.next().transpose()?.ok_or_else(|| bad(1, "the file is empty".into()))?;
        if heading.len() > MOST_COLUMNS {
            return Err(bad(1, format!("{} columns, more than {MOST_COLUMNS} are not read", heading.len())));
        }
        let mut columns = HashMap::new();
        for (index, name) in heading.iter().enumerate() {
            if columns.insert(name.clone(), index).is_some() {
                return Err(bad(1, format!("column {} stands there twice", quoted(name))));
            }
        }
        let missing: Vec<&str> = wanted.iter().copied().filter(|name| !columns.contains_key(*name)).collect();
        if !missing.is_empty() {
            return Err(bad(1, format!("column {} is missing", missing.join(", "))));
        }
        let mut rows = Vec::new();
        for record in records {
            let (line, cells) = record?;
            if cells.len() != heading.len() {
                return Err(bad(line, format!("{} cells under {} columns", cells.len(), heading.len())));
            }
            if rows.len() == MOST_ROWS {
                return Err(bad(line, format!("more than {MOST_ROWS} rows are not read")));
            }
            rows.push((line, cells));
        }
        Ok(Self { file: file.to_owned(), columns, rows })
    }

    /// Its rows.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(line, cells)| Row { table: self, line: *line, cells })
    }
}

impl<'a> Row<'a> {
    /// A cell as it stands there.
    pub(crate) fn text(&self, column: &str) -> &'a str {
        let index = self.table.columns.get(column).expect("callers name columns that parse was asked for");
        self.cells.get(*index).expect("every row has as many cells as the heading").trim()
    }

    /// A finite number, 0 or more.
    pub(crate) fn amount(&self, column: &str) -> Result<f64> {
        let number = self.number(column)?;
        if number >= 0.0 { Ok(number) } else { Err(self.bad(column, format!("{number} is below 0"))) }
    }

    /// A finite number above 0.
    pub(crate) fn positive(&self, column: &str) -> Result<f64> {
        let number = self.number(column)?;
        if number > 0.0 { Ok(number) } else { Err(self.bad(column, format!("{number} is not above 0"))) }
    }

    /// A finite number.
    pub(crate) fn number(&self, column: &str) -> Result<f64> {
        let text = self.text(column);
        let number: Option<f64> = text.parse().ok();
        number.filter(|number| number.is_finite()).ok_or_else(|| self.bad(column, format!("{} is not a finite number", quoted(text))))
    }

    /// A whole number, 1 or more.
    pub(crate) fn count(&self, column: &str) -> Result<u64> {
        let text = self.text(column);
        let number: Option<u64> = text.parse().ok();
        number.filter(|number| *number > 0).ok_or_else(|| self.bad(column, format!("{} is not a whole number above 0", quoted(text))))
    }

    /// What a word stands for.
    pub(crate) fn word<T: Copy>(&self, column: &str, known: &[(&str, T)]) -> Result<T> {
        let text = self.text(column);
        known.iter().find(|(word, _)| *word == text).map(|(_, meant)| *meant).ok_or_else(|| {
            let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
            self.bad(column, format!("{} is none of {}", quoted(text), words.join(", ")))
        })
    }

    /// A complaint about a cell.
    pub(crate) fn bad(&self, column: &str, what: impl Into<String>) -> Error {
        Error::Value { file: self.table.file.clone(), line: self.line, column: column.to_owned(), what: what.into() }
    }

    /// A complaint about the row.
    pub(crate) fn bad_row(&self, what: impl Into<String>) -> Error {
        Error::Table { file: self.table.file.clone(), line: self.line, what: what.into() }
    }
}

/// At most some characters of a file's text, quoted and without control characters.
pub(crate) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(QUOTED).collect();
    let end = if short.len() < text.len() { "…" } else { "" };
    format!("{:?}", format!("{short}{end}"))
}

/// The records of a text, each with the line it begins on; empty lines are passed over.
fn records(text: &str) -> impl Iterator<Item = (usize, Result<Vec<String>, &'static str>)> {
    let mut rest = text;
    let mut line = 1;
    std::iter::from_fn(move || {
        while let Some(after) = rest.strip_prefix('\n').or_else(|| rest.strip_prefix("\r\n")) {
            (rest, line) = (after, line + 1);
        }
        if rest.is_empty() {
            return None;
        }
        let begun = line;
        let (record, after) = record(rest);
        line += rest[..rest.len() - after.len()].matches('\n').count();
        rest = after;
        Some((begun, record))
    })
}

/// The first record of a text and what follows it.
fn record(text: &str) -> (Result<Vec<String>, &'static str>, &str) {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if quoted && chars.peek().is_some_and(|(_, next)| *next == '"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                cells.push(cell.trim_end_matches('\r').to_owned());
                return (Ok(cells), &text[at + 1..]);
            }
            _ => cell.push(c),
        }
    }
    cells.push(cell);
    (if quoted { Err("a quotation mark is opened and never closed") } else { Ok(cells) }, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(text: &str) -> String {
        let read = || -> Result<f64> {
            let table = Table::parse("log.csv", text, &["a", "b"])?;
            let row = table.rows().next().expect("a row");
            row.amount("b")
        };
        read().unwrap_err().to_string()
    }

    #[test]
    fn quotes_line_ends_and_order_of_columns() {
        let table = Table::parse("log.csv", "b,a\r\n1,\"x, \"\"y\"\"\nz\"\r\n\n2,last", &["a"]).unwrap();
        let rows: Vec<_> = table.rows().map(|row| (row.line, row.text("a"), row.amount("b").unwrap())).collect();
        assert_eq!(rows, [(2, "x, \"y\"\nz", 1.0), (5, "last", 2.0)]);
    }

    #[test]
    fn complaints_tell_the_place() {
        assert_eq!(complaint(""), "log.csv:1: the file is empty");
        assert_eq!(complaint("a\n1"), "log.csv:1: column b is missing");
        assert_eq!(complaint("a,b,a\n"), "log.csv:1: column \"a\" stands there twice");
        assert_eq!(complaint("a,b\n1"), "log.csv:2: 1 cells under 2 columns");
        assert_eq!(complaint("a,b\n1,x\u{1b}"), "log.csv:2: column b: \"x\\u{1b}\" is not a finite number");
        assert_eq!(complaint("a,b\n1,-2"), "log.csv:2: column b: -2 is below 0");
        assert_eq!(complaint("a,b\n1,inf"), "log.csv:2: column b: \"inf\" is not a finite number");
        assert_eq!(complaint("a,b\n\"1,2"), "log.csv:2: a quotation mark is opened and never closed");
        assert!(complaint(&format!("a,b\n{}", "1,1\n".repeat(MOST_ROWS + 1))).contains("rows are not read"));
        assert!(complaint(&",".repeat(300)).contains("columns"));
    }
}
