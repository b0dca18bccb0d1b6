//! Outputs that are there whole or not at all: a temporary name beside the target, brought to the disk, then renamed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// An output in the making. Dropped before [`Pending::finish`], it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Pending {
    temporary: PathBuf,
    target: PathBuf,
}

impl Pending {
    /// A file, which will replace one of that name.
    pub(crate) fn file(target: &Path) -> Result<Self> {
        Self::beside(target)
    }

    /// A folder, which must not exist yet, or be empty.
    pub(crate) fn folder(target: &Path) -> Result<Self> {
        let occupied = fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_some());
        if occupied || target.is_file() {
            return Err(Error::OutputExists { path: target.to_owned() });
        }
        let pending = Self::beside(target)?;
        fs::create_dir(&pending.temporary).map_err(|source| Error::io(&pending.temporary, source))?;
        Ok(pending)
    }

    /// Where to write until it is finished.
    pub(crate) fn path(&self) -> &Path {
        &self.temporary
    }

    /// Brings what was written to the disk and gives it its name.
    pub(crate) fn finish(self) -> Result<()> {
        if self.temporary.is_dir() {
            for entry in fs::read_dir(&self.temporary).map_err(|source| Error::io(&self.temporary, source))? {
                sync(&entry.map_err(|source| Error::io(&self.temporary, source))?.path())?;
            }
        }
        sync(&self.temporary)?;
        fs::rename(&self.temporary, &self.target).map_err(|source| Error::io(&self.target, source))?;
        sync(parent(&self.target))
    }

    /// One name per target, so that what a killed process left is found and replaced.
    fn beside(target: &Path) -> Result<Self> {
        let name = target.file_name().ok_or_else(|| Error::io(target, std::io::ErrorKind::InvalidFilename.into()))?;
        let folder = parent(target);
        fs::create_dir_all(folder).map_err(|source| Error::io(folder, source))?;
        let pending = Self { temporary: folder.join(format!(".{}.partial", name.to_string_lossy())), target: target.to_owned() };
        pending.clear().map_err(|source| Error::io(&pending.temporary, source))?;
        Ok(pending)
    }

    fn clear(&self) -> std::io::Result<()> {
        let removed = if self.temporary.is_dir() { fs::remove_dir_all(&self.temporary) } else { fs::remove_file(&self.temporary) };
        removed.or_else(|error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // After a rename there is nothing to remove; after a failure the reason for it is what the caller must hear.
        let _ = self.clear();
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn sync(path: &Path) -> Result<()> {
    fs::File::open(path).and_then(|file| file.sync_all()).map_err(|source| Error::io(path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_finished_output_has_its_name_and_an_unfinished_one_is_gone() {
        let folder = tempfile::TempDir::new().unwrap();
        let target = folder.path().join("deep/out.gguf");
        let pending = Pending::file(&target).unwrap();
        fs::write(pending.path(), "half").unwrap();
        drop(pending);
        assert_eq!(names(&folder.path().join("deep")), [""; 0]);
        let pending = Pending::file(&target).unwrap();
        fs::write(pending.path(), "whole").unwrap();
        pending.finish().unwrap();
        assert_eq!(names(&folder.path().join("deep")), ["out.gguf"]);
    }

    #[test]
    fn what_a_killed_process_left_is_replaced() {
        let folder = tempfile::TempDir::new().unwrap();
        let left = folder.path().join(".out.partial");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("old"), "x").unwrap();
        let pending = Pending::folder(&folder.path().join("out")).unwrap();
        fs::write(pending.path().join("new"), "y").unwrap();
        pending.finish().unwrap();
        assert_eq!((names(folder.path()), names(&folder.path().join("out"))), (vec!["out".to_owned()], vec!["new".to_owned()]));
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let folder = tempfile::TempDir::new().unwrap();
        fs::write(folder.path().join("mine"), "x").unwrap();
        let error = Pending::folder(folder.path()).unwrap_err();
        assert!(matches!(error, Error::OutputExists { .. }) && error.hint().is_some());
        assert_eq!(names(folder.path()), ["mine"]);
    }
}
