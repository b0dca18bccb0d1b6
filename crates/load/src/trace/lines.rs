//! Lines of a file with a bound on each, counted from 1. A line of a gigabyte is an error, not a gigabyte of memory.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
};

use super::Fault;
use crate::{Error, Result};

/// Longest line, in bytes: the blocks of a prompt of ten million tokens fit.
const LONGEST: u64 = 1 << 20;

pub(super) struct Lines<'a, R> {
    reader: BufReader<R>,
    path: &'a Path,
    number: u64,
}

impl<'a, R: Read> Lines<'a, R> {
    pub(super) fn new(reader: R, path: &'a Path) -> Self {
        Self { reader: BufReader::with_capacity(1 << 16, reader), path, number: 0 }
    }

    /// The next line that is not blank, without its end; `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<String>> {
        loop {
            let mut bytes = Vec::new();
            let mut bounded = (&mut self.reader).take(LONGEST + 1);
            let read = bounded.read_until(b'\n', &mut bytes).map_err(|source| Error::Read { path: self.path.to_owned(), source })?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if read as u64 > LONGEST {
                return Err(self.fault(Fault::new(format!("the line is longer than {LONGEST} bytes"), "a trace has one request a line")));
            }
            let line = String::from_utf8(bytes).map_err(|_| self.fault(Fault::new("the line is not UTF-8", "traces are text files")))?;
            let line = line.trim_start_matches('\u{feff}').trim();
            if !line.is_empty() {
                return Ok(Some(line.to_owned()));
            }
        }
    }

    /// A fault of the line that was read last.
    pub(super) fn fault(&self, fault: Fault) -> Error {
        Error::Trace { path: self.path.to_owned(), line: self.number.max(1), reason: fault.reason, hint: fault.hint }
    }
}

/// The beginning of a text, quoted.
pub(super) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 60;
    let short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() { format!("{short:?}…") } else { format!("{short:?}") }
}
