//! The program as a user runs it: exit code, stdout and stderr of the built binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot start the program has failed")]

mod commands;
mod engines;
mod import;
mod llama_cpp;
mod load;
mod meter;
mod mock;
mod nli;
mod prices;
mod rating;
mod recipes;
mod reproduce;
mod score;
mod sweep;

use std::process::{Command, Stdio};

/// The built program, its standard input closed.
fn edge_eval() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edge-eval"));
    command.stdin(Stdio::null());
    command
}
