//! Each format's fixture through the whole crate: what is read, which figures follow, and what is said of broken files. The fixtures are
//! cut from files that the tools wrote (`AIPerf`, `GuideLLM`) or in the shape their sources give (the others).

#![expect(clippy::unwrap_used, reason = "tests say what they expect by failing")]

mod broken;
mod figures;
mod formats;

use std::path::{Path, PathBuf};

use import::{Given, Scores, Source};
use units::Missing;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn read(name: &str) -> Source {
    import::read(&fixture(name), None).unwrap()
}

/// Nothing is given.
fn nothing() -> Given {
    Given { alpha: 1.0, pue: 1.0, ..Given::default() }
}

fn no_scores() -> Scores {
    Scores { score: Err(Missing::because("no score is told")), baseline: Err(Missing::because("no score is told")) }
}
