//! The kernel's file systems that meters read. Tests put a temporary folder in their place.

use std::path::PathBuf;

/// Where to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Processes: `/proc`.
    pub proc: PathBuf,
    /// RAPL domains: `/sys/class/powercap`.
    pub powercap: PathBuf,
    /// Graphics cards: `/sys/class/drm`.
    pub drm: PathBuf,
    /// Sockets at which `zeusd` may listen, in the order they are tried.
    pub zeusd: Vec<PathBuf>,
}

impl Places {
    /// This machine's own. The sockets are the defaults of `zeusd` now and in its first versions.
    pub fn system() -> Self {
        Self {
            proc: "/proc".into(),
            powercap: "/sys/class/powercap".into(),
            drm: "/sys/class/drm".into(),
            zeusd: vec!["/run/zeusd/zeusd.sock".into(), "/var/run/zeusd.sock".into()],
        }
    }
}
