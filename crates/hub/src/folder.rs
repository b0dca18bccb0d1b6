//! What a model folder holds and lacks, found out without reading any weights.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{Error, Kind, Require, Resolved, Result};

/// The one weight file of a small model.
pub(crate) const SINGLE: &str = "model.safetensors";
/// The list of the weight files of a large one.
pub(crate) const INDEX: &str = "model.safetensors.index.json";

/// A weight index, as far as it is used.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Checks that the folder holds what is required, and names all that is missing at once.
pub(crate) fn check(folder: &Path, require: Require) -> Result<Resolved> {
    let mut missing = Vec::new();
    let has = |name: &str| folder.join(name).exists();
    if has("config.json") {
        check_config(&folder.join("config.json"))?;
    } else {
        missing.push("config.json".to_owned());
    }
    let names = match shard_names(folder)? {
        Some(names) => names,
        None if has(SINGLE) => vec![SINGLE.to_owned()],
        None => Vec::new(),
    };
    let tokenizer = has("tokenizer.json");
    if require == Require::Model {
        if names.is_empty() {
            let found = pickles(folder);
            if !found.is_empty() && missing.is_empty() {
                return Err(Error::NoSafetensors { model: folder.display().to_string(), found });
            }
            missing.push(SINGLE.to_owned());
        }
        missing.extend(names.iter().filter(|name| !has(name)).cloned());
        if !tokenizer {
            missing.push("tokenizer.json".to_owned());
        }
    }
    if !missing.is_empty() {
        return Err(Error::Incomplete { folder: folder.to_owned(), missing });
    }
    let weights: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).filter(|path| path.exists()).collect();
    let mut weight_bytes = 0;
    for path in &weights {
        if is_lfs_pointer(path) {
            return Err(Error::LfsPointer { path: path.clone() });
        }
        weight_bytes += std::fs::metadata(path).map_err(|source| Error::Io { path: path.clone(), source })?.len();
    }
    Ok(Resolved { path: folder.to_owned(), kind: Kind::Folder, weights, weight_bytes, tokenizer, commit: None })
}

/// The weight files an index names, in name order; `None` without an index.
pub(crate) fn shard_names(folder: &Path) -> Result<Option<Vec<String>>> {
    let path = folder.join(INDEX);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::Io { path, source }),
    };
    let malformed = |reason: String| Error::Malformed { path: path.clone(), reason };
    let index: Index = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
    let mut names: Vec<String> = index.weight_map.into_values().collect();
    names.sort_unstable();
    names.dedup();
    match names.iter().find(|name| !is_plain_name(name)) {
        Some(name) => Err(malformed(format!("weight file `{name}` is not a file name"))),
        None if names.is_empty() => Err(malformed("it names no weight file".to_owned())),
        None => Ok(Some(names)),
    }
}

/// Whether a name stays within its folder and is written with ordinary characters.
pub(crate) fn is_plain_name(name: &str) -> bool {
    !name.starts_with('.') && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// Whether Git left a pointer where it did not fetch the file itself.
pub(crate) fn is_lfs_pointer(path: &Path) -> bool {
    let mut start = [0; 24];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *b"version https://git-lfs."
}

fn check_config(path: &Path) -> Result<()> {
    let bytes = std::fs::read(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    if bytes.starts_with(b"version https://git-lfs.") {
        return Err(Error::LfsPointer { path: path.to_owned() });
    }
    match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::Malformed { path: path.to_owned(), reason: error.to_string() }),
    }
}

fn pickles(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut found: Vec<String> = names.filter(|name| is_pickle(name)).collect();
    found.sort_unstable();
    found
}

/// Whether the name is that of `PyTorch`'s pickle formats.
pub(crate) fn is_pickle(name: &str) -> bool {
    let extension = Path::new(name).extension();
    extension.is_some_and(|extension| ["bin", "pt", "pth", "ckpt", "pkl"].iter().any(|known| extension.eq_ignore_ascii_case(known)))
}
