//! What can go wrong outside a request. What goes wrong inside one is answered to its client, in OpenAI's error shape.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Failures of a server, or of reading an engine's options.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// The kernel's word.
        source: std::io::Error,
    },
    /// The model cannot be served.
    #[error("cannot serve {}: {reason}", path.display())]
    Load {
        /// The model folder or file.
        path: PathBuf,
        /// Why, with the place.
        reason: String,
        /// How to mend it, where known.
        hint: Option<String>,
    },
    /// A limit that leaves nothing to serve with.
    #[error("{what} is {got}, and must be {wanted}")]
    Limit {
        /// The limit's name.
        what: &'static str,
        /// Its value.
        got: usize,
        /// What it may be.
        wanted: String,
    },
    /// The socket failed while serving.
    #[error("the server's socket failed: {0}")]
    Socket(std::io::Error),
    /// A thread could not be started.
    #[error("cannot start the engine's thread: {0}")]
    Thread(std::io::Error),
    /// The engine's thread ended by itself, which only a defect can cause.
    #[error("the engine stopped unexpectedly")]
    EngineDied,
    /// No engine of that name.
    #[error("unknown engine \"{name}\"")]
    UnknownEngine {
        /// As written.
        name: String,
    },
    /// An engine's options do not fit its keys.
    #[error("engine \"{engine}\": {reason}")]
    Options {
        /// The engine.
        engine: &'static str,
        /// The key and what is wrong with it.
        reason: String,
        /// How to mend it.
        hint: String,
    },
    /// The engine cannot quantise as it loads, or not so.
    #[error("engine \"{engine}\" cannot quantise to {precision} as it loads: {reason}")]
    InFlight {
        /// The engine.
        engine: &'static str,
        /// What was asked for, such as `int4`.
        precision: &'static str,
        /// Why not.
        reason: String,
        /// How to mend it.
        hint: String,
    },
    /// The engine cannot serve this artifact.
    #[error("engine \"{engine}\" cannot serve {}: {reason}", artifact.display())]
    Artifact {
        /// The engine.
        engine: &'static str,
        /// What it was given.
        artifact: PathBuf,
        /// Why not.
        reason: String,
    },
}

/// This crate's result.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// One sentence on how to mend it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Bind { address, source } => bind_hint(*address, source.kind()),
            Self::Load { hint, .. } => hint.clone(),
            Self::Limit { what, .. } => Some(format!("give another {what}")),
            Self::Socket(_) | Self::Thread(_) => Some("look at the machine's limits on open files and processes (ulimit -a)".into()),
            Self::EngineDied => Some("this is a defect: report it with the request that was running".into()),
            Self::UnknownEngine { .. } => Some(format!("one of: {}", crate::engines::names().join(", "))),
            Self::Options { hint, .. } | Self::InFlight { hint, .. } => Some(hint.clone()),
            Self::Artifact { .. } => Some(
                "give a Hugging Face model folder, a PEFT adapter folder or a .gguf file, as `edge-eval list engines` tells of the engine"
                    .into(),
            ),
        }
    }
}

fn bind_hint(address: SocketAddr, kind: std::io::ErrorKind) -> Option<String> {
    use std::io::ErrorKind;
    match kind {
        ErrorKind::AddrInUse => Some(format!(
            "another process listens on port {}: stop it, choose another --port, or use --port 0 for a free one",
            address.port()
        )),
        ErrorKind::PermissionDenied => Some("ports below 1024 need privileges: choose a higher --port".into()),
        ErrorKind::AddrNotAvailable => Some(format!("{} is not an address of this machine: use --host 127.0.0.1", address.ip())),
        _ => None,
    }
}
