//! Whole merges and quantisations, from folder to file and back into memory.

mod merge;
mod pack;
mod quantise;

use std::cell::RefCell;
use std::path::PathBuf;

use crate::{Event, Observer};

/// Keeps what it was told.
#[derive(Default)]
struct Log(RefCell<Vec<String>>);

impl Observer for Log {
    fn event(&self, event: Event<'_>) {
        self.0.borrow_mut().push(format!("{event:?}"));
    }
}

/// A folder of the reference data, or `None` with a word about it.
fn shared(path: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    if folder.exists() {
        return Some(folder);
    }
    eprintln!("skipped: ../shared/data is absent");
    None
}
