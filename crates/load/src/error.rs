//! Why a whole run could not be made. One failed request is a record with its reason, not an error.

use std::path::PathBuf;

/// What can keep a run from having a result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is of no use.
    #[error("url {url:?}: {reason}")]
    Url {
        /// As given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The job asks for nothing, or for it in an impossible way.
    #[error("load job: {reason}")]
    Job {
        /// What is wrong with it.
        reason: String,
    },
    /// Every request of the window failed.
    #[error("{reason}")]
    AllFailed {
        /// How many there were, and why, by stable word.
        reason: String,
        /// The first failure with its facts.
        first: String,
    },
    /// An arrival process that cannot be.
    #[error("arrivals: {reason}")]
    Arrivals {
        /// What is wrong with it.
        reason: String,
    },
    /// Prompts of the asked length cannot be made.
    #[error("prompts: {reason}")]
    Prompts {
        /// What stands in the way.
        reason: String,
        /// How to mend it.
        hint: &'static str,
    },
    /// A trace file holds what is no trace.
    #[error("{}:{line}: {reason}", path.display())]
    Trace {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
        /// How to mend it.
        hint: &'static str,
    },
    /// A file could not be read.
    #[error("reading {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A mock's script that cannot be.
    #[error("mock script: {reason}")]
    Script {
        /// What is wrong with it, with the known words.
        reason: String,
    },
    /// The mock server could not be started.
    #[error("mock server: {source}")]
    Mock {
        /// What the system says.
        source: std::io::Error,
    },
    /// The operating system refused the client its event loop.
    #[error("event loop: {0}")]
    Runtime(#[source] std::io::Error),
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// How to mend it, in a sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Url { .. } => Some("give the server's base, such as http://127.0.0.1:8000 or https://host/v1".to_owned()),
            Self::Job { .. } => Some("ask for at least one request, one stream and a timeout above zero".to_owned()),
            Self::AllFailed { first, .. } => hint(first).map(str::to_owned),
            Self::Arrivals { .. } => Some("rates and times are numbers above zero, such as --rate 2.5".to_owned()),
            Self::Prompts { hint, .. } | Self::Trace { hint, .. } => Some((*hint).to_owned()),
            Self::Read { .. } => Some("check the path and that the file may be read".to_owned()),
            Self::Script { .. } => Some("`edge-eval mock --help` tells every word of a script".to_owned()),
            Self::Mock { .. } => {
                Some("choose another port (0 lets the system choose), or raise the limit on open files (ulimit -n)".to_owned())
            }
            Self::Runtime(_) => Some("raise the limit on open files (ulimit -n) or lower the concurrency".to_owned()),
        }
    }
}

/// How to mend a recorded failure, where its word tells.
pub fn hint(failure: &str) -> Option<&'static str> {
    Some(match crate::word(failure) {
        "status: 401" | "status: 403" => "give an API key that this server accepts",
        "status: 404" => "check the base URL's path and the model name",
        "status: 429" => "lower the concurrency: the server limits its rate",
        "timeout" => "raise the timeout, or lower the concurrency",
        "connect" | "not http" => "check that the server is up and that host, port and scheme (http or https) are right",
        "not an event stream" => "the server must stream (server-sent events) when asked to with \"stream\": true",
        _ => return None,
    })
}
