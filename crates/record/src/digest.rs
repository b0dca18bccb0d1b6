//! Digests of files and folders by content: what names an artifact, and what enters stage keys. Names of folders above,
//! owners and times do not count.

use std::{
    fs::{self, File},
    io::Read,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use units::Bytes;

use crate::error::{Error, Result};

/// Bytes read at a time.
const BLOCK: usize = 1 << 20;
/// Deepest nesting of folders; deeper is taken for a loop of links.
const DEEPEST: usize = 32;

/// What a file or folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// blake3, 64 hex digits.
    pub digest: String,
    /// Size of all files.
    pub bytes: Bytes,
}

/// Digests a file's bytes, or a folder's files by sorted relative name and content. Links are followed. Reads in blocks.
///
/// # Errors
/// Something cannot be read, is neither file nor folder, or is nested too deep.
pub fn digest_path(path: &Path) -> Result<Content> {
    let meta = fs::metadata(path).map_err(Error::io("read", path))?;
    if !meta.is_dir() {
        let (hash, bytes) = digest_file(path)?;
        return Ok(Content { digest: hash.to_hex().to_string(), bytes: Bytes(bytes) });
    }
    let mut files = Vec::new();
    list(path, DEEPEST, &mut files)?;
    let mut named: Vec<(&[u8], &PathBuf)> = Vec::with_capacity(files.len());
    for file in &files {
        let name = file.strip_prefix(path).unwrap_or(file);
        named.push((name.as_os_str().as_bytes(), file));
    }
    named.sort_unstable();
    let mut whole = blake3::Hasher::new();
    let mut total = 0;
    for (name, file) in named {
        let (hash, bytes) = digest_file(file)?;
        whole.update(&(name.len() as u64).to_le_bytes());
        whole.update(name);
        whole.update(hash.as_bytes());
        total += bytes;
    }
    Ok(Content { digest: whole.finalize().to_hex().to_string(), bytes: Bytes(total) })
}

fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    if depth == 0 {
        return Err(Error::damaged(folder, format!("more than {DEEPEST} folders deep, perhaps a loop of links")));
    }
    for entry in fs::read_dir(folder).map_err(Error::io("list", folder))? {
        let path = entry.map_err(Error::io("list", folder))?.path();
        let meta = fs::metadata(&path).map_err(Error::io("read", &path))?;
        if meta.is_dir() {
            list(&path, depth - 1, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn digest_file(path: &Path) -> Result<(blake3::Hash, u64)> {
    let meta = fs::metadata(path).map_err(Error::io("read", path))?;
    if !meta.is_file() {
        return Err(Error::damaged(path, "neither a file nor a folder"));
    }
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    let mut hasher = blake3::Hasher::new();
    let mut block = vec![0; BLOCK];
    let mut total = 0;
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok((hasher.finalize(), total)),
            Ok(n) => {
                hasher.update(&block[..n]);
                total += n as u64;
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io("read", path)(e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    #[test]
    fn the_same_files_have_the_same_digest_wherever_they_are() {
        let files: &[(&str, &[u8])] = &[("b", b"1"), ("a/c", b"22")];
        let (one, two) = (folder(files), folder(&[files[1], files[0]]));
        let digest = digest_path(one.path()).unwrap();
        assert_eq!(digest, digest_path(two.path()).unwrap());
        assert_eq!((digest.digest.len(), digest.bytes), (64, Bytes(3)));
    }

    #[test]
    fn a_changed_byte_or_name_changes_the_digest() {
        let digest = |files: &[(&str, &[u8])]| digest_path(folder(files).path()).unwrap().digest;
        let base = digest(&[("a", b"1"), ("b", b"2")]);
        assert_ne!(base, digest(&[("a", b"1"), ("b", b"3")]));
        assert_ne!(base, digest(&[("a", b"1"), ("c", b"2")]));
        assert_ne!(base, digest(&[("a", b"2"), ("b", b"1")]));
    }

    #[test]
    fn a_file_is_its_own_blake3_and_blocks_do_not_show() {
        let folder = folder(&[("x", &vec![7; BLOCK + 1])]);
        let expected = blake3::hash(&vec![7; BLOCK + 1]).to_hex().to_string();
        assert_eq!(digest_path(&folder.path().join("x")).unwrap().digest, expected);
    }

    #[test]
    fn links_are_followed_and_loops_refused() {
        let real = folder(&[("blob", b"1")]);
        let linked = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(real.path().join("blob"), linked.path().join("model")).unwrap();
        assert_eq!(digest_path(linked.path()).unwrap(), digest_path(folder(&[("model", b"1")]).path()).unwrap());
        std::os::unix::fs::symlink(linked.path(), linked.path().join("loop")).unwrap();
        assert!(digest_path(linked.path()).is_err());
    }

    #[test]
    fn what_is_not_there_is_named() {
        let error = digest_path(Path::new("/nowhere/model")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/model"), "{error}");
    }
}
