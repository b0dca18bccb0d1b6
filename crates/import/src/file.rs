//! A result file in memory: bounded, and every complaint about it names it. What its values mean is each format's business.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};

use crate::{Error, Result};

/// The most that is read of a file.
const MOST_BYTES: u64 = 256 << 20;
/// The most requests or items of one measurement.
pub(crate) const MOST_ROWS: u64 = 1_000_000;

/// The most output tokens of the rows of one measurement: each becomes a gap between tokens.
const MOST_TOKENS: u64 = 1 << 27;

/// A file's text and name.
pub(crate) struct Contents {
    path: PathBuf,
    text: String,
}

/// The keys of an object, whose values are passed over.
#[derive(Default)]
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
        let mut keys = Vec::new();
        while let Some((key, IgnoredAny)) = map.next_entry()? {
            keys.push(key);
        }
        Ok(Keys(keys))
    }
}

impl Contents {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        Self::read_at_most(path, MOST_BYTES)
    }

    fn read_at_most(path: &Path, most: u64) -> Result<Self> {
        let io = |source| Error::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        let too_large = || Error::TooLarge { path: path.to_owned(), most };
        if file.metadata().map_err(io)?.len() > most {
            return Err(too_large());
        }
        let mut text = String::new();
        // A pipe tells no length.
        let read = file.take(most + 1).read_to_string(&mut text).map_err(io)?;
        if read as u64 > most { Err(too_large()) } else { Ok(Self { path: path.to_owned(), text }) }
    }

    /// The file's name without its folder.
    pub(crate) fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }

    /// The keys of the first object: of the file, of the array that the file is, or of its first line.
    pub(crate) fn keys(&self) -> Result<Vec<String>> {
        let keys = if self.is_array() { self.first::<Vec<Keys>>()?.into_iter().next().unwrap_or_default() } else { self.first::<Keys>()? };
        Ok(keys.0)
    }

    /// Whether the file is an array.
    pub(crate) fn is_array(&self) -> bool {
        self.text.trim_start().starts_with('[')
    }

    fn first<T: DeserializeOwned>(&self) -> Result<T> {
        let first = serde_json::Deserializer::from_str(&self.text).into_iter::<T>().next();
        match first {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) if error.is_syntax() || error.is_eof() => Err(self.json_error(&error)),
            Some(Err(_)) | None => Err(self.unknown()),
        }
    }

    /// The whole file as one value.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_str(&self.text).map_err(|error| self.json_error(&error))
    }

    /// The values of a file that holds one after the other.
    pub(crate) fn values<T: DeserializeOwned>(&self) -> Result<Vec<T>> {
        let values = serde_json::Deserializer::from_str(&self.text).into_iter::<T>();
        values.map(|value| value.map_err(|error| self.json_error(&error))).collect()
    }

    /// The values of a file with one a line, each with its line, from 1.
    pub(crate) fn lines<T: DeserializeOwned>(&self) -> Result<Vec<(usize, T)>> {
        let lines = self.text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let mut values = Vec::new();
        for (index, line) in lines {
            let value = serde_json::from_str(line).map_err(|error| self.error_at(index + 1, error.column(), &error))?;
            values.push((index + 1, value));
            self.bounded("the lines", values.len() as u64)?;
        }
        Ok(values)
    }

    /// Refuses more rows than are kept.
    pub(crate) fn bounded(&self, place: &str, rows: u64) -> Result<()> {
        if rows > MOST_ROWS { Err(self.bad(place, format!("{rows}, more than {MOST_ROWS} are not read"))) } else { Ok(()) }
    }

    /// Refuses rows that claim more tokens than are kept.
    pub(crate) fn bounded_tokens(&self, tokens: u64) -> Result<()> {
        if tokens > MOST_TOKENS {
            Err(self.bad("the rows", format!("{tokens} output tokens, more than {MOST_TOKENS} are not read")))
        } else {
            Ok(())
        }
    }

    /// The complaint that no format has its keys.
    pub(crate) fn unknown(&self) -> Error {
        Error::Unknown { path: self.path.clone() }
    }

    /// A complaint about a value.
    pub(crate) fn bad(&self, place: impl Into<String>, what: impl Into<String>) -> Error {
        Error::Value { path: self.path.clone(), place: place.into(), what: what.into() }
    }

    fn json_error(&self, error: &serde_json::Error) -> Error {
        self.error_at(error.line(), error.column(), error)
    }

    /// serde ends its message with a place, which is told before it here.
    fn error_at(&self, line: usize, column: usize, error: &serde_json::Error) -> Error {
        let text = error.to_string();
        let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned();
        Error::Json { path: self.path.clone(), line, column, what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_file_is_refused_before_it_is_read() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("large.json");
        std::fs::write(&path, "[1, 2]").unwrap();
        assert!(Contents::read_at_most(&path, 6).is_ok());
        let error = Contents::read_at_most(&path, 5).err().unwrap();
        assert!(matches!(error, Error::TooLarge { most: 5, .. }) && error.hint().is_some());
    }
}
