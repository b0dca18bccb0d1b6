//! The paper's tables come out of its logs, cell by cell.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests may fail loudly, and say what they skip")]

mod docs;
mod paper;
mod run;
