//! The page cache before a cold start: dropped for the weight files without root (`posix_fadvise(DONTNEED)`), then looked at.
//!
//! Looking reads: a page that is asked for without waiting is not there, and the kernel begins to fetch it. So a look asks for single
//! pages with read-ahead turned off, lets each of them come, and drops it again.

use std::{
    fs::File,
    io::IoSliceMut,
    num::NonZeroU64,
    os::{fd::AsFd, unix::fs::FileExt},
    path::{Path, PathBuf},
};

use record::PageCache;
use rustix::{
    fs::{Advice, fadvise},
    io::{Errno, ReadWriteFlags, preadv2},
};

/// Pages looked at in each file.
const PROBES: u64 = 64;

/// Drops the files at `path` (a file, or a folder's files) from the page cache and says what state they are in afterwards.
pub(crate) fn make_cold(paths: &[PathBuf]) -> PageCache {
    for file in paths.iter().flat_map(|path| files(path)) {
        if let Ok(file) = File::open(&file) {
            drop_pages(&file);
        }
    }
    state(paths)
}

/// Only clean pages can go, so what was just written is synced first. A refusal shows when the file is looked at.
fn drop_pages(file: &File) {
    let _ = file.sync_data();
    let _ = fadvise(file, 0, None, Advice::DontNeed);
}

/// Whether the files at `paths` are in the page cache: all of the probed pages, none, or not known. It leaves what it finds as it
/// was.
pub(crate) fn state(paths: &[PathBuf]) -> PageCache {
    let (mut resident, mut probed) = (0_u64, 0_u64);
    for file in paths.iter().flat_map(|path| files(path)) {
        let Some((in_cache, looked_at)) = File::open(&file).ok().and_then(|file| probe(&file)) else {
            return PageCache::Unknown;
        };
        resident += in_cache;
        probed += looked_at;
    }
    match (resident, probed) {
        (_, 0) => PageCache::Unknown,
        (0, _) => PageCache::Cold,
        (r, p) if r == p => PageCache::Warm,
        _ => PageCache::Unknown,
    }
}

/// Pages of one file that can be read without waiting for the disk, and pages looked at. `None` where the file system cannot tell.
/// Pages that the look itself fetched are dropped again.
fn probe(file: &File) -> Option<(u64, u64)> {
    let size = file.metadata().ok()?.len();
    let step = (size / PROBES).max(4096);
    let (mut resident, mut probed, mut offset, mut fetched) = (0, 0, 0, Vec::new());
    // One page a look, no read-ahead.
    let _ = fadvise(file, 0, None, Advice::Random);
    while offset < size {
        let mut byte = [0_u8; 1];
        match preadv2(file.as_fd(), &mut [IoSliceMut::new(&mut byte)], offset, ReadWriteFlags::NOWAIT) {
            Ok(_) => resident += 1,
            Err(Errno::AGAIN) => fetched.push(offset),
            Err(_) => return None,
        }
        probed += 1;
        offset += step;
    }
    forget(file, &fetched, resident == 0);
    Some((resident, probed))
}

/// Drops the pages that a look has begun to fetch, once they have come: a page on its way stays. Where nothing else was there all
/// of the file is dropped, because the kernel may fetch in larger pieces.
fn forget(file: &File, fetched: &[u64], all: bool) {
    let page = rustix::param::page_size() as u64;
    for offset in fetched {
        if file.read_at(&mut [0], *offset).is_ok() && !all {
            let _ = fadvise(file, offset / page * page, NonZeroU64::new(page), Advice::DontNeed);
        }
    }
    if all {
        let _ = fadvise(file, 0, None, Advice::DontNeed);
    }
}

/// The regular files at a path, one level deep: a model folder is flat.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let Ok(entries) = path.read_dir() else { return Vec::new() };
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|p| p.is_file()).collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_just_read_is_warm_and_a_missing_one_unknown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weights");
        std::fs::write(&path, vec![7_u8; 1 << 20]).unwrap();
        let state_after_read = {
            std::fs::read(&path).unwrap();
            state(std::slice::from_ref(&path))
        };
        // tmpfs and some overlay file systems refuse RWF_NOWAIT: then the honest answer is that we do not know.
        assert!(matches!(state_after_read, PageCache::Warm | PageCache::Unknown), "{state_after_read:?}");
        assert_eq!(state(&[dir.path().join("absent")]), PageCache::Unknown);
    }

    #[test]
    fn a_dropped_file_is_never_called_warm() {
        // The folder of this crate lies on a disk; the temporary folder may be memory, whose pages cannot be dropped.
        let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let path = dir.path().join("weights");
        std::fs::write(&path, vec![7_u8; 1 << 20]).unwrap();
        let state = make_cold(std::slice::from_ref(&path));
        assert!(matches!(state, PageCache::Cold | PageCache::Unknown), "{state:?}");
    }

    #[test]
    fn looking_at_a_cold_file_does_not_warm_it() {
        let dir = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let path = dir.path().join("weights");
        std::fs::write(&path, vec![7_u8; 4 << 20]).unwrap();
        if make_cold(std::slice::from_ref(&path)) != PageCache::Cold {
            println!("skipped: this file system does not tell what is in the page cache, or does not drop it");
            return;
        }
        for look in 0..3 {
            assert_eq!(state(std::slice::from_ref(&path)), PageCache::Cold, "look {look}");
        }
        std::fs::read(&path).unwrap();
        assert_eq!(state(std::slice::from_ref(&path)), PageCache::Warm);
        assert_eq!(state(std::slice::from_ref(&path)), PageCache::Warm, "a look drops nothing that was there");
    }
}
