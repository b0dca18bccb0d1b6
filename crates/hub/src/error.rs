//! What can be wrong with a model's files, with the facts as fields and one sentence on how to mend it.

use std::io;
use std::path::PathBuf;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A model that cannot be found or is not complete.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that is neither a path nor a hub id.
    #[error("`{name}` is no model: neither an existing path nor a hub id")]
    BadName {
        /// As written.
        name: String,
    },
    /// There is nothing at the path.
    #[error("{} does not exist", path.display())]
    NotFound {
        /// As given.
        path: PathBuf,
    },
    /// A file that is not a GGUF file.
    #[error("{} is neither a model folder nor a .gguf file", path.display())]
    NotAModel {
        /// As given.
        path: PathBuf,
    },
    /// A model folder that lacks files.
    #[error("model folder {} lacks {}", folder.display(), missing.join(", "))]
    Incomplete {
        /// The folder.
        folder: PathBuf,
        /// The files that are not there.
        missing: Vec<String>,
    },
    /// Weights only as pickles, which can hold code and are never read.
    #[error("the weights of {model} are not safetensors: {}", found.join(", "))]
    NoSafetensors {
        /// The folder or the hub id.
        model: String,
        /// The weight files there are.
        found: Vec<String>,
    },
    /// A stand-in that Git leaves where large files were not fetched.
    #[error("{} is a Git LFS pointer, not the file itself", path.display())]
    LfsPointer {
        /// Which file.
        path: PathBuf,
    },
    /// An index or a configuration that is not what it should be.
    #[error("{}: {reason}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A hub id that the cache lacks, in whole or in part, while offline.
    #[error("{id} at {revision} is not in the cache {}{}", cache.display(), lacking(missing))]
    NotCached {
        /// `org/name`.
        id: String,
        /// Branch, tag or commit.
        revision: String,
        /// Whether it is a data set and not a model.
        data_set: bool,
        /// The cache or snapshot folder that was looked in.
        cache: PathBuf,
        /// The files that are not there; empty when none is.
        missing: Vec<String>,
    },
    /// A download that failed.
    #[error("cannot download {file} of {id} at {revision}: {reason}")]
    Download {
        /// `org/name`.
        id: String,
        /// Branch, tag or commit.
        revision: String,
        /// Which file, or `the file list`.
        file: String,
        /// What the hub or the network said.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn lacking(missing: &[String]) -> String {
    if missing.is_empty() { String::new() } else { format!(": it lacks {}", missing.join(", ")) }
}

impl Error {
    /// How to mend it, in a sentence; `None` when the message says all there is.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::BadName { .. } => "name a folder with config.json, a .gguf file, or a hub id such as org/name".into(),
            Self::NotFound { .. } => "check the path; a relative one starts at the current folder".into(),
            Self::NotAModel { .. } => "name the folder that holds the file, with its config.json and tokenizer.json".into(),
            Self::Incomplete { .. } => "copy the missing files into the folder from where the model came".into(),
            Self::NoSafetensors { .. } => {
                "convert them once where you trust them: AutoModelForCausalLM.from_pretrained(…).save_pretrained(…) writes safetensors"
                    .into()
            }
            Self::LfsPointer { .. } => "run `git lfs pull` in that folder".into(),
            Self::Malformed { .. } => "fetch the file again".into(),
            Self::NotCached { id, revision, data_set, .. } => {
                let at = if revision == "main" { String::new() } else { format!(" --revision {revision}") };
                let what = if *data_set { "--repo-type dataset" } else { "--exclude '*.bin' '*.pth'" };
                format!("allow downloads, or run `hf download {id}{at} {what}` on a machine with network")
            }
            Self::Download { id, reason, .. } => download_hint(id, reason),
            Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "make room on the disk, then run the same command again".into()
            }
            Self::Io { .. } => return None,
        })
    }

    /// The same lack, told of a hub id.
    pub(crate) fn in_cache(self, id: &str, revision: &str) -> Self {
        match self {
            Self::Incomplete { folder, missing } => {
                Self::NotCached { id: id.to_owned(), revision: revision.to_owned(), data_set: false, cache: folder, missing }
            }
            other => other,
        }
    }
}

fn download_hint(id: &str, reason: &str) -> String {
    if reason.contains("status: 401") || reason.contains("status: 403") {
        format!("accept the terms on its page ({id}) and set HF_TOKEN to a token of the account that did")
    } else if reason.contains("status: 404") {
        "check the spelling of the id and the revision; what is private needs HF_TOKEN".to_owned()
    } else {
        "check the network, then run the same command again: what was fetched is kept".to_owned()
    }
}
