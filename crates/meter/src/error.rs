//! Why no metering can be had. A window that cannot be believed is not an error: it has a verdict.

/// What can go wrong before the first reading.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The plan names a meter that does not exist.
    #[error("unknown meter {name:?}")]
    Unknown {
        /// As written.
        name: String,
        /// `auto` and the registry's names.
        known: Vec<&'static str>,
    },
    /// The plan names a meter that this machine does not offer.
    #[error("meter {meter}: {reason}")]
    Unavailable {
        /// Its name.
        meter: &'static str,
        /// Why it cannot be opened.
        reason: String,
    },
    /// The sampling period is of no use.
    #[error("meter interval of {interval_ms} ms")]
    Interval {
        /// As given.
        interval_ms: u32,
    },
    /// The operating system refused a thread.
    #[error("sampler thread: {0}")]
    Thread(#[source] std::io::Error),
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// How to mend it, in a sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { known, .. } => Some(format!("one of: {}", known.join(", "))),
            Self::Unavailable { .. } => Some("write kind = \"auto\" to take the best meter this machine offers".to_owned()),
            Self::Interval { .. } => Some("sample every 10 to 1000 ms".to_owned()),
            Self::Thread(_) => Some("raise the limit on threads (ulimit -u)".to_owned()),
        }
    }
}
