//! Fetching a model's files from the hub into the local cache: JSON, safetensors, tokenizer files and chat templates.
//! Nothing that can hold code is ever asked for.

use std::io;
use std::path::{Path, PathBuf};

use hf_hub::api::Progress;
use hf_hub::api::sync::{Api, ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Cache, Repo, RepoType};

use crate::folder::{self, INDEX, SINGLE, is_pickle, is_plain_name};
use crate::{Error, Hub, Require, Resolved, Result};

/// Is told how a download goes on.
pub trait Observer {
    /// A file of `total` bytes begins, of which `done` are there from an earlier attempt.
    fn begins(&self, _file: &str, _total: u64, _done: u64) {}
    /// `bytes` more of it have come.
    fn received(&self, _bytes: u64) {}
    /// The file is there.
    fn ends(&self, _file: &str) {}
}

/// An observer that does nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Observer for Silent {}

/// Attempts a file beyond the first.
const RETRIES: usize = 3;

/// Tokenizer files that are neither JSON nor Jinja.
const OTHER_FILES: [&str; 3] = ["merges.txt", "vocab.txt", "tokenizer.model"];

/// Fetches what the cache lacks of a model and checks the folder that results.
pub(crate) fn fetch(hub: &Hub, id: &str, revision: &str, require: Require, observer: &dyn Observer) -> Result<Resolved> {
    let (job, listing) = Job::begin(hub, RepoType::Model, id, revision, observer)?;
    let Listing { names, snapshot, commit } = listing;
    let listed: Vec<&str> = names.iter().map(String::as_str).collect();
    for file in listed.iter().filter(|name| is_small_file(name)) {
        job.ensure(&snapshot, file)?;
    }
    if require == Require::Model {
        for file in weight_files(&snapshot, &listed, id)? {
            job.ensure(&snapshot, &file)?;
        }
    }
    folder::check(&snapshot, require).map(|resolved| Resolved { commit: Some(commit), ..resolved })
}

/// What the hub has of a repository, and where its files go.
pub(crate) struct Listing {
    /// Every file, its folders before it.
    pub(crate) names: Vec<String>,
    pub(crate) snapshot: PathBuf,
    pub(crate) commit: String,
}

fn api(hub: &Hub) -> Result<Api, ApiError> {
    // The cache's own token file is not read: the caller passes what it wants used.
    let builder = ApiBuilder::from_cache(Cache::new(hub.cache.clone())).with_token(hub.token.clone());
    let builder = builder.with_progress(false).with_retries(RETRIES);
    match &hub.endpoint {
        Some(endpoint) => builder.with_endpoint(endpoint.trim_end_matches('/').to_owned()).build(),
        None => builder.build(),
    }
}

/// Configuration, tokenizer and template files at the top of the repository.
fn is_small_file(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    is_plain_name(name) && (matches!(extension, Some("json" | "jinja")) || OTHER_FILES.contains(&name))
}

/// The weight files to fetch: those of the index, else the single one.
fn weight_files(snapshot: &Path, listed: &[&str], id: &str) -> Result<Vec<String>> {
    if listed.contains(&INDEX)
        && let Some(names) = folder::shard_names(snapshot)?
    {
        return Ok(names);
    }
    if listed.contains(&SINGLE) {
        return Ok(vec![SINGLE.to_owned()]);
    }
    let found: Vec<String> = listed.iter().filter(|name| is_pickle(name)).map(|name| (*name).to_owned()).collect();
    if found.is_empty() {
        return Err(Error::Incomplete { folder: snapshot.to_owned(), missing: vec![SINGLE.to_owned()] });
    }
    Err(Error::NoSafetensors { model: id.to_owned(), found })
}

/// The download of one repository's files.
pub(crate) struct Job<'a> {
    id: &'a str,
    revision: &'a str,
    repo: ApiRepo,
    observer: &'a dyn Observer,
}

impl<'a> Job<'a> {
    /// Asks for the list of files.
    pub(crate) fn begin(hub: &Hub, kind: RepoType, id: &'a str, revision: &'a str, observer: &'a dyn Observer) -> Result<(Self, Listing)> {
        let repo = || Repo::with_revision(id.to_owned(), kind, revision.to_owned());
        let api = api(hub).map_err(|error| failed(id, revision, "the file list", &error))?;
        let job = Self { id, revision, repo: api.repo(repo()), observer };
        let info = job.repo.info().map_err(|error| job.failed("the file list", &error))?;
        let names = info.siblings.into_iter().map(|sibling| sibling.rfilename).collect();
        let snapshot = Cache::new(hub.cache.clone()).repo(repo()).pointer_path(&info.sha);
        Ok((job, Listing { names, snapshot, commit: info.sha }))
    }

    /// Downloads a file that the snapshot lacks.
    pub(crate) fn ensure(&self, snapshot: &Path, file: &str) -> Result<()> {
        if snapshot.join(file).exists() {
            return Ok(());
        }
        let mut expected = 0;
        let told = Told { observer: self.observer, expected: &mut expected, file: file.to_owned(), begun: false };
        let path = self.repo.download_with_progress(file, told).map_err(|error| match error {
            ApiError::IoError(source) if source.kind() == io::ErrorKind::StorageFull => Error::Io { path: snapshot.join(file), source },
            other => self.failed(file, &other),
        })?;
        self.check_size(&path, file, expected)
    }

    /// A connection that ends early must not leave a short file behind as if it were whole.
    fn check_size(&self, path: &Path, file: &str, expected: u64) -> Result<()> {
        let io = |path: PathBuf| move |source| Error::Io { path, source };
        let size = std::fs::metadata(path).map_err(io(path.to_owned()))?.len();
        if size == expected {
            return Ok(());
        }
        let blob = std::fs::canonicalize(path).map_err(io(path.to_owned()))?;
        for stale in [path.to_owned(), blob] {
            std::fs::remove_file(&stale).map_err(io(stale))?;
        }
        Err(Error::Download {
            id: self.id.to_owned(),
            revision: self.revision.to_owned(),
            file: file.to_owned(),
            reason: format!("{size} bytes came of {expected}"),
        })
    }

    fn failed(&self, file: &str, error: &ApiError) -> Error {
        failed(self.id, self.revision, file, error)
    }
}

fn failed(id: &str, revision: &str, file: &str, error: &ApiError) -> Error {
    Error::Download { id: id.to_owned(), revision: revision.to_owned(), file: file.to_owned(), reason: error.to_string() }
}

/// Passes the client's progress on.
struct Told<'a> {
    observer: &'a dyn Observer,
    expected: &'a mut u64,
    file: String,
    begun: bool,
}

impl Progress for Told<'_> {
    fn init(&mut self, size: usize, _filename: &str) {
        // The client begins twice, and then tells what an earlier attempt left as its first update.
        *self.expected = size as u64;
        self.begun = false;
    }

    fn update(&mut self, size: usize) {
        if self.begun {
            self.observer.received(size as u64);
        } else {
            self.begun = true;
            self.observer.begins(&self.file, *self.expected, size as u64);
        }
    }

    fn finish(&mut self) {
        self.observer.ends(&self.file);
    }
}
