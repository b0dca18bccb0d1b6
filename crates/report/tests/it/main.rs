//! A report of hand-made figures in every format.

#![expect(clippy::unwrap_used, reason = "a test ends where something is wrong")]
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes its snapshots so")]

mod browser;
mod compare;
mod exports;
mod formats;
mod levels;
mod made;
mod page;
mod run_folder;
mod sample;
