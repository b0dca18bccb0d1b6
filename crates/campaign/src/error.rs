//! What can go wrong in a campaign as a whole. A stage that fails is not among it: that is a record.

use std::path::PathBuf;

use units::Seconds;

/// Why a campaign cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error("{doing} {path}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A stage's program could not be started.
    #[error("cannot start {program}: {source}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A stage did not reach a phase in time.
    #[error("not {phase} after {waited}; its last lines: {}", last_lines.join(" | "))]
    NeverReady {
        /// The phase that was waited for.
        phase: String,
        /// How long.
        waited: Seconds,
        /// What it wrote last.
        last_lines: Vec<String>,
    },
    /// A stage ended before it reached a phase.
    #[error("ended before it was {phase}; its last lines: {}", last_lines.join(" | "))]
    EndedEarly {
        /// The phase that was waited for.
        phase: String,
        /// What it wrote last.
        last_lines: Vec<String>,
    },
}
