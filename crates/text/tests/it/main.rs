//! Tokenizers and templates against reference vectors, and what happens to damaged ones.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests; a failed step is a failed test")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes its snapshots with them")]

mod conversation;
mod errors;
mod gguf;
mod pair;
mod small;
mod stream;
mod template;
mod vectors;

use std::path::PathBuf;

/// A folder of the reference data, or `None` with a word about it.
fn shared(path: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    if folder.exists() {
        return Some(folder);
    }
    eprintln!("skipped: ../shared/data is absent");
    None
}

/// A file of JSON lines of the reference data.
fn shared_lines(path: &str) -> Option<Vec<serde_json::Value>> {
    let text = std::fs::read_to_string(shared(path)?).unwrap();
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn ids(value: &serde_json::Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}
