//! Read-only file mappings: the one place with `unsafe`.

use std::fs::File;
use std::path::Path;

use memmap2::{Advice, Mmap};

use crate::{Error, Result};

/// Maps a file; its pages are read when they are touched.
pub(crate) fn open(path: &Path) -> Result<Mmap> {
    let file = File::open(path).map_err(|e| Error::io(path, e))?;
    #[expect(unsafe_code, reason = "a mapping is sound while nobody shortens the file; weight files are not rewritten in place")]
    let map = unsafe { Mmap::map(&file) }.map_err(|e| Error::io(path, e))?;
    // Only a hint: a system that does not know it reads in smaller steps.
    let _ = map.advise(Advice::Sequential);
    Ok(map)
}
