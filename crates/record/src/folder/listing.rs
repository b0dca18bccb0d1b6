//! Entries of a run folder as the file system has them: listed, removed, and told from what is not ours. What they mean is not known here.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    atomic,
    error::{Error, Result},
    lock::LOCK_FILE,
};

/// Something in the folder that no campaign puts into a new one.
pub(super) fn foreign_entry(root: &Path) -> Result<Option<String>> {
    let ours = |path: &PathBuf| atomic::is_temporary(path) || path.file_name().is_some_and(|name| name == LOCK_FILE);
    let foreign = list(root)?.into_iter().find(|path| !ours(path));
    Ok(foreign.and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned())))
}

/// The entries of a folder, sorted; none when it is not there.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(Error::io("list", folder))?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(Error::io("list", folder))?.path());
    }
    paths.sort_unstable();
    Ok(paths)
}

/// Removes a file or a folder, which may be gone already.
pub(super) fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(Error::io("remove", path)),
    }
}
