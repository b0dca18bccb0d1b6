//! The command line: a table of contents. Parse, run one command, turn its end into an exit code.
//!
//! What a command does stands in `commands/<name>.rs`, with its arguments; what the environment says is read in `env.rs` alone.

#![expect(clippy::doc_markdown, reason = "arguments' docs are help text, shown as written")]
#![expect(clippy::format_push_string, reason = "short texts for a terminal, where reading well matters more than an allocation")]

mod builtin;
mod certificate;
mod commands;
mod end;
mod env;
mod gate;
mod live;
mod page;
mod plan_file;
mod print;
mod progress;
mod recipes;
mod setup;
mod signals;
mod stage;

use std::process::ExitCode;

use clap::Parser;

// Measured against the system's: a LoRA step takes a quarter less time, and quantised prefill gains a quarter.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = commands::Cli::parse();
    end::exit_code(commands::run(cli))
}
