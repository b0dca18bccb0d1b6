//! What is wrong with a table of devices, or with a name that should be in it.

/// A table that cannot be read, or a device that it does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A text that is too large for a table of devices.
    #[error("{origin} is larger than {most} bytes")]
    TooLarge {
        /// Which text.
        origin: String,
        /// The most that is read.
        most: usize,
    },
    /// A text that is no table of devices.
    #[error("{origin} is no table of devices: {reason}")]
    Table {
        /// Which text.
        origin: String,
        /// What its parser says, in one line.
        reason: String,
    },
    /// A figure that cannot be one, or a source that is not listed.
    #[error("{origin}: {device}: {reason}")]
    Entry {
        /// Which text.
        origin: String,
        /// Which device.
        device: String,
        /// What is wrong.
        reason: String,
    },
    /// A name that the table does not know.
    #[error("the table of devices has no `{name}`")]
    Unknown {
        /// As given.
        name: String,
        /// The names that it has.
        known: Vec<String>,
    },
    /// A count of devices that is none.
    #[error("`{written}` is no number of devices and a name")]
    Count {
        /// As given.
        written: String,
    },
}

impl Error {
    /// How to mend it, in one sentence.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::TooLarge { .. } | Self::Table { .. } => "docs/projection.md shows the form of a table of devices".into(),
            Self::Entry { .. } => "correct or leave out this device".into(),
            Self::Unknown { known, .. } => format!("one of: {}; or give a table of your own with --devices FILE", known.join(", ")),
            Self::Count { .. } => "such as T4, or 2xT4 for two that share the work; at most 64".into(),
        })
    }
}
