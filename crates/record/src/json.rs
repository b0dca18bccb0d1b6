//! JSON files of a run folder: written so that they read back as they were, read only when their version is ours.

use std::{fs, path::Path};

use serde::de::DeserializeOwned;

use crate::{
    SCHEMA, atomic,
    error::{Error, Result},
};

/// Largest file read, in bytes; a scored pass of a million items stays below it.
const LARGEST: u64 = 1 << 30;

/// Writes pretty JSON that reads back as the same value; one that does not (a number that is not finite) is refused.
pub(crate) fn write<T: serde::Serialize + DeserializeOwned + PartialEq>(path: &Path, value: &T) -> Result<()> {
    let unwritable = |reason: String| Error::Unwritable { path: path.to_owned(), reason };
    let mut text = serde_json::to_vec_pretty(value).map_err(|e| unwritable(e.to_string()))?;
    if !serde_json::from_slice::<T>(&text).is_ok_and(|back| back == *value) {
        return Err(unwritable("it does not read back as it was; a number in it may not be finite".into()));
    }
    text.push(b'\n');
    atomic::write(path, &text)
}

/// Reads a file of this version.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let value = read_any(path)?;
    check_schema(path, &value)?;
    serde_json::from_value(value).map_err(|e| Error::damaged(path, e.to_string()))
}

/// Reads a file of whatever version.
pub(crate) fn read_any(path: &Path) -> Result<serde_json::Value> {
    let size = fs::metadata(path).map_err(Error::io("read", path))?.len();
    if size > LARGEST {
        return Err(Error::damaged(path, format!("{size} bytes are too many")));
    }
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    serde_json::from_slice(&bytes).map_err(|e| Error::damaged(path, e.to_string()))
}

/// The version comes first: a file of another one may well not fit the types.
pub(crate) fn check_schema(path: &Path, value: &serde_json::Value) -> Result<()> {
    match value.get("schema").and_then(serde_json::Value::as_str) {
        Some(SCHEMA) => Ok(()),
        Some(other) => Err(Error::OtherVersion { path: path.to_owned(), found: other.to_owned(), expected: SCHEMA }),
        None => Err(Error::damaged(path, "it has no schema")),
    }
}
