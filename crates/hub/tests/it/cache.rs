//! The hub's local cache, laid out as its clients lay it out.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use hub::Error;
use tempfile::TempDir;

use crate::{offline, resolve, shown, write_model, write_sharded};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Blobs under their digests, and a snapshot of links to them.
fn write_cache(cache: &Path, write: impl Fn(&Path)) -> PathBuf {
    let root = cache.join("models--org--name");
    let (blobs, snapshot) = (root.join("blobs"), root.join("snapshots").join(COMMIT));
    write(&blobs);
    std::fs::create_dir_all(&snapshot).unwrap();
    for entry in std::fs::read_dir(&blobs).unwrap() {
        let name = entry.unwrap().file_name();
        symlink(Path::new("../../blobs").join(&name), snapshot.join(&name)).unwrap();
    }
    std::fs::create_dir_all(root.join("refs/pr")).unwrap();
    std::fs::write(root.join("refs/main"), COMMIT).unwrap();
    std::fs::write(root.join("refs/pr/1"), format!("{COMMIT}\n")).unwrap();
    snapshot
}

#[test]
fn branches_and_commits_are_found() {
    let cache = TempDir::new().unwrap();
    let snapshot = write_cache(cache.path(), write_sharded);
    for name in ["org/name".to_owned(), "org/name@pr/1".to_owned(), format!("org/name@{COMMIT}")] {
        let found = resolve(&offline(cache.path()), &name).unwrap();
        assert_eq!((&found.path, found.commit.as_deref(), found.weight_bytes), (&snapshot, Some(COMMIT), 120), "{name}");
    }
}

#[test]
fn a_missing_shard_is_told_of_the_id() {
    let cache = TempDir::new().unwrap();
    let snapshot = write_cache(cache.path(), write_sharded);
    // As a download that was cut short leaves it: the link is there, the blob is not.
    std::fs::remove_file(cache.path().join("models--org--name/blobs/model-00002-of-00002.safetensors")).unwrap();
    let error = resolve(&offline(cache.path()), "org/name").unwrap_err();
    assert_eq!(
        shown(&error, &snapshot),
        "org/name at main is not in the cache DIR: it lacks model-00002-of-00002.safetensors\n\
         hint: allow downloads, or run `hf download org/name --exclude '*.bin' '*.pth'` on a machine with network"
    );
}

#[test]
fn an_offline_miss_says_how_to_fetch() {
    let cache = TempDir::new().unwrap();
    write_cache(cache.path(), write_model);
    for name in ["org/other", "org/name@v2"] {
        let error = resolve(&offline(cache.path()), name).unwrap_err();
        assert!(matches!(&error, Error::NotCached { missing, .. } if missing.is_empty()), "{error}");
    }
    let error = resolve(&offline(cache.path()), "org/name@v2").unwrap_err();
    assert!(error.hint().unwrap().contains("hf download org/name --revision v2"));
}

#[test]
fn a_reference_cannot_point_elsewhere() {
    let cache = TempDir::new().unwrap();
    write_cache(cache.path(), write_model);
    std::fs::write(cache.path().join("models--org--name/refs/main"), "../../..").unwrap();
    assert!(matches!(resolve(&offline(cache.path()), "org/name"), Err(Error::NotCached { .. })));
}
