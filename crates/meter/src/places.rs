//! The kernel's file systems that meters read. Tests put a temporary folder in their place.

use std::path::PathBuf;

/// Where to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Processes: `/proc`.
    pub proc: PathBuf,
    /// RAPL domains: `/sys/class/powercap`.
    pub powercap: PathBuf,
}

impl Places {
    /// This machine's own.
    pub fn system() -> Self {
        Self { proc: "/proc".into(), powercap: "/sys/class/powercap".into() }
    }
}
