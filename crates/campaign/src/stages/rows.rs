//! JSON lines that a stage left beside what it tells: read within bounds, whoever wrote them.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};

/// Longest line, in bytes.
const LONGEST_LINE: u64 = 1 << 16;

/// Every line of a file.
///
/// # Errors
/// The file cannot be read, or a line is not what it should be, which a line that is too long never is.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let mut reader = BufReader::new(File::open(path).map_err(Error::io("opening", path))?);
    let (mut rows, mut line) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(Error::io("reading", path))? == 0 {
            return Ok(rows);
        }
        rows.push(serde_json::from_slice(&line).map_err(|source| Error::Facts { source })?);
    }
}
