//! What can go wrong with a run folder, and how to mend it.

use std::{io, path::PathBuf};

use units::Bytes;

/// A fault of a run folder or of something read into it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {action} {path:?}: {source}")]
    Io {
        /// What was tried, such as `write`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// No space, or no quota, is left.
    #[error("no space left to write {path:?}{}", free.map_or_else(String::new, |free| format!(" ({:.1} MB free)", free.get() as f64 / 1e6)))]
    DiskFull {
        /// What was being written.
        path: PathBuf,
        /// What the file system has left for this user, when it tells.
        free: Option<Bytes>,
    },
    /// The folder has no `run.json`.
    #[error("{path:?} is not a run folder: it has no run.json")]
    NotARun {
        /// The folder.
        path: PathBuf,
    },
    /// The folder has other things in it.
    #[error("{path:?} is not empty and not a run folder (it has {found:?})")]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// One of the things in it.
        found: String,
    },
    /// The folder was written by another version.
    #[error("{path:?} has the format {found:?}; this edge-eval reads {expected:?}")]
    OtherVersion {
        /// The file that tells.
        path: PathBuf,
        /// Its version.
        found: String,
        /// [`crate::SCHEMA`].
        expected: &'static str,
    },
    /// Another campaign runs in the folder.
    #[error("{path:?} is in use by another campaign{}", pid.map_or_else(String::new, |pid| format!(" (process {pid})")))]
    Locked {
        /// The folder.
        path: PathBuf,
        /// Who holds it, when it told.
        pid: Option<u32>,
    },
    /// A record or something it stands on would be overwritten.
    #[error("{path:?} is there already; records are never overwritten")]
    Exists {
        /// The record.
        path: PathBuf,
    },
    /// A file that does not hold what its name says.
    #[error("{path:?} is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A value that the file format cannot hold, such as a number that is not finite.
    #[error("cannot record {path:?}: {reason}")]
    Unwritable {
        /// The file that was to be written.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A key that is no file name.
    #[error("{key:?} is not a stage key (letters, digits and dashes)")]
    BadKey {
        /// The key.
        key: String,
    },
}

/// The crate's result.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// How to mend it, in one sentence.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::PermissionDenied => "check the owner and the permissions of the folder".into(),
                io::ErrorKind::ReadOnlyFilesystem => "choose a run folder on a file system that can be written".into(),
                _ => return None,
            },
            Self::DiskFull { .. } => "free some space and run the same command again: finished stages are kept".into(),
            Self::NotARun { .. } => "name a folder that `edge-eval run` has made".into(),
            Self::NotEmpty { .. } => "choose a new or an empty folder".into(),
            Self::OtherVersion { .. } => "read it with the edge-eval that wrote it, or start a new run folder".into(),
            Self::Locked { .. } => "wait for it to end, or choose another run folder".into(),
            Self::Exists { .. } => "choose another run folder to measure again".into(),
            Self::Damaged { .. } => "remove the file, and the same command will make it again".into(),
            Self::Unwritable { .. } | Self::BadKey { .. } => return None,
        })
    }

    /// A closure for `map_err`: names the action and the path, and tells a full disk apart.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { free: free_space(&path), path },
            _ => Self::Io { action, path, source },
        }
    }

    pub(crate) fn damaged(path: impl Into<PathBuf>, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.into(), reason: reason.into() }
    }
}

/// What an unprivileged user can still write on the file system that holds `path`.
fn free_space(path: &std::path::Path) -> Option<Bytes> {
    let there = path.ancestors().find(|ancestor| ancestor.exists())?;
    let stat = rustix::fs::statvfs(there).ok()?;
    Some(Bytes(stat.f_bavail.saturating_mul(stat.f_frsize)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named_with_what_is_free() {
        let full = Error::io("write", "/tmp/records/a.json")(io::Error::from_raw_os_error(rustix::io::Errno::NOSPC.raw_os_error()));
        assert!(full.to_string().starts_with("no space left to write \"/tmp/records/a.json\" ("), "{full}");
        assert!(full.hint().unwrap().contains("free some space"));
    }
}
