//! Files that are there whole or not at all, after a power cut too: written under a temporary name, synced, renamed, and the
//! folder synced.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

/// How names of work in progress end. What bears it may be removed at any time by who holds the folder's lock.
pub(crate) const TEMPORARY: &str = ".tmp";

/// The name under which `path` is written before it is whole.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, ToOwned::to_owned);
    name.push(TEMPORARY);
    path.with_file_name(name)
}

/// Whether a name is one of work in progress.
pub(crate) fn is_temporary(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(TEMPORARY.as_bytes())
}

/// Writes a file whole, replacing an older one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |file| file.write_all(bytes).map_err(Error::io("write", path)))
}

/// The same, with the bytes coming from `fill`.
pub(crate) fn write_with(path: &Path, fill: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    let unfinished = temporary(path);
    let mut file = File::create(&unfinished).map_err(Error::io("create", &unfinished))?;
    let written = fill(&mut file).and_then(|()| file.sync_all().map_err(Error::io("sync", &unfinished)));
    if written.is_err() {
        // What was written takes space, perhaps the last; the error that is returned says what matters.
        let _ = fs::remove_file(&unfinished);
    }
    written?;
    rename(&unfinished, path)
}

/// Renames a synced file or folder to its lasting name, and syncs the folder that holds it.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(Error::io("rename to", to))?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(Error::io("make the folder", path))
}

/// Syncs every file and folder under `path`, so that a rename cannot outlive its contents.
pub(crate) fn sync_tree(path: &Path) -> Result<()> {
    for entry in fs::read_dir(path).map_err(Error::io("list", path))? {
        let entry = entry.map_err(Error::io("list", path))?.path();
        if entry.is_dir() {
            sync_tree(&entry)?;
        } else {
            File::open(&entry).and_then(|file| file.sync_all()).map_err(Error::io("sync", &entry))?;
        }
    }
    sync_folder(path)
}

fn sync_folder(path: &Path) -> Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path).and_then(|folder| folder.sync_all()).map_err(Error::io("sync", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_temporary() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/a.json");
        write(&path, b"old").unwrap();
        let failed = write_with(&path, |file| {
            file.write_all(b"half").unwrap();
            Err(Error::damaged(&path, "stop"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert!(!temporary(&path).exists());
    }

    #[test]
    fn a_temporary_name_is_beside_the_lasting_one() {
        assert_eq!(temporary(Path::new("a/b.json")), Path::new("a/b.json.tmp"));
        assert!(is_temporary(Path::new("a/b.json.tmp")) && !is_temporary(Path::new("a/b.json")));
    }
}
