//! One campaign in a run folder at a time. The kernel drops the lock with the process that holds it, so that none is ever
//! left behind by a killed campaign.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use rustix::fs::{FlockOperation, flock};

use crate::{
    atomic,
    error::{Error, Result},
};

/// The file that is locked; it stays in the folder, and only the lock on it means anything.
pub(crate) const LOCK_FILE: &str = ".lock";

/// Held while a campaign writes into a run folder; dropping it lets the next one in.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of `folder`, making the folder when it is not there. Does not wait.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process holds it, [`Error::Io`] when the folder cannot be written.
    pub fn take(folder: &Path) -> Result<Self> {
        atomic::make_folder(folder)?;
        let path = folder.join(LOCK_FILE);
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = file.map_err(Error::io("open", &path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(Error::Locked { path: folder.to_owned(), pid: holder(&path) }),
            Err(other) => return Err(Error::io("lock", &path)(other.into())),
        }
        // The number is for the message above only; without it the lock holds just as well.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

fn holder(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_free_when_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let held = Lock::take(folder.path()).unwrap();
        let refused = Lock::take(folder.path()).unwrap_err();
        assert!(matches!(refused, Error::Locked { pid: Some(pid), .. } if pid == std::process::id()), "{refused}");
        drop(held);
        Lock::take(folder.path()).unwrap();
    }

    #[test]
    fn a_file_left_by_a_killed_campaign_does_not_lock() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(LOCK_FILE), "4294967").unwrap();
        Lock::take(folder.path()).unwrap();
    }
}
