//! The hub's local cache: `models--org--name/{refs,snapshots,blobs}` and `datasets--org--name/…`, the layout that all of its clients
//! share. Read only.

use std::path::{Path, PathBuf};

use hf_hub::{Cache, Repo, RepoType};

/// A snapshot in the cache; its files may be incomplete.
pub(crate) struct Snapshot {
    pub(crate) folder: PathBuf,
    pub(crate) commit: String,
}

/// Finds the snapshot of a branch or tag through `refs`, or of a commit by its own name.
pub(crate) fn find(cache: &Path, kind: RepoType, id: &str, revision: &str) -> Option<Snapshot> {
    let repo = Repo::with_revision(id.to_owned(), kind, revision.to_owned());
    let reference = cache.join(repo.folder_name()).join("refs").join(revision);
    let commit = std::fs::read_to_string(reference).map_or_else(|_| revision.to_owned(), |text| text.trim().to_owned());
    let is_name = !commit.is_empty() && commit.chars().all(|c| c.is_ascii_alphanumeric());
    let folder = Cache::new(cache.to_owned()).repo(repo).pointer_path(&commit);
    (is_name && folder.is_dir()).then_some(Snapshot { folder, commit })
}
