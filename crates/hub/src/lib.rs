//! Where a model's files are: a folder, a GGUF file, or a hub id in the local cache, downloaded when that is allowed; and where the
//! files of a data set of the hub are. It says what is there and what is missing; it does not read weights or rows, and it never
//! fetches a pickle.

mod cache;
mod data_set;
mod download;
mod error;
mod folder;
mod source;

use std::path::{Path, PathBuf};

pub use data_set::DataSet;
pub use download::{Observer, Silent};
pub use error::{Error, Result};
pub use source::Source;

/// What a model folder must hold to be of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Require {
    /// `config.json`, weights and tokenizer.
    Model,
    /// `config.json` only: the weights are made up, the tokenizer too where there is none.
    Config,
}

/// What a resolved path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A Hugging Face model folder.
    Folder,
    /// A GGUF file.
    Gguf,
}

/// A model whose files were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The folder or the GGUF file.
    pub path: PathBuf,
    /// Which of the two.
    pub kind: Kind,
    /// The weight files, in name order; empty when none was asked for and there is none.
    pub weights: Vec<PathBuf>,
    /// Size of the weight files together, in bytes.
    pub weight_bytes: u64,
    /// Whether the folder has a `tokenizer.json`. A GGUF file holds its own.
    pub tokenizer: bool,
    /// The commit, for a hub id.
    pub commit: Option<String>,
}

/// Where and how hub ids are looked up. The binary fills it from the environment (`HF_HUB_CACHE` or `HF_HOME`,
/// `HF_ENDPOINT`, `HF_TOKEN`); nothing here reads that.
#[derive(Clone)]
pub struct Hub {
    /// The folder that holds `models--org--name` and `datasets--org--name` folders.
    pub cache: PathBuf,
    /// Whether what is not in the cache may be downloaded. What is there complete is used as it is, so that a run repeats.
    pub online: bool,
    /// Such as `https://huggingface.co`, which it is when absent.
    pub endpoint: Option<String>,
    /// For gated models.
    pub token: Option<String>,
}

impl Hub {
    /// Finds a model's files, and downloads those of a hub id that the cache lacks, when online.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] and [`Error::Incomplete`] for a path; [`Error::NotCached`] for a hub id when offline;
    /// [`Error::Download`] when the hub refuses or cannot be reached; [`Error::NoSafetensors`] when weights exist only in
    /// formats that can hold code.
    pub fn resolve(&self, source: &Source, require: Require, observer: &dyn Observer) -> Result<Resolved> {
        match source {
            Source::Path(path) => resolve_path(path, require),
            Source::Hub { id, revision } => match cache::find(&self.cache, hf_hub::RepoType::Model, id, revision) {
                // An incomplete snapshot is one whose download was cut short; going on with it mends it.
                Some(found) => match folder::check(&found.folder, require) {
                    Ok(resolved) => Ok(Resolved { commit: Some(found.commit), ..resolved }),
                    Err(_) if self.online => download::fetch(self, id, revision, require, observer),
                    Err(error) => Err(error.in_cache(id, revision)),
                },
                None if self.online => download::fetch(self, id, revision, require, observer),
                None => Err(Error::NotCached {
                    id: id.clone(),
                    revision: revision.clone(),
                    data_set: false,
                    cache: self.cache.clone(),
                    missing: Vec::new(),
                }),
            },
        }
    }
}

impl std::fmt::Debug for Hub {
    /// Without the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { cache, online, endpoint, token: _ } = self;
        f.debug_struct("Hub").field("cache", cache).field("online", online).field("endpoint", endpoint).finish_non_exhaustive()
    }
}

fn resolve_path(path: &Path, require: Require) -> Result<Resolved> {
    let metadata = std::fs::metadata(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::NotFound { path: path.to_owned() },
        _ => Error::Io { path: path.to_owned(), source },
    })?;
    if metadata.is_dir() {
        return folder::check(path, require);
    }
    if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf")) {
        return Err(Error::NotAModel { path: path.to_owned() });
    }
    if folder::is_lfs_pointer(path) {
        return Err(Error::LfsPointer { path: path.to_owned() });
    }
    Ok(Resolved {
        path: path.to_owned(),
        kind: Kind::Gguf,
        weights: vec![path.to_owned()],
        weight_bytes: metadata.len(),
        tokenizer: true,
        commit: None,
    })
}
