//! The project's own chores, as `cargo xtask <chore>`: the quickstart's corpus, tokenizer and model, a probe of what adaptation gains,
//! the speed table, the truthfulness of load clients, and llama.cpp beside the embedded engine. Not part of the product: nothing here is
//! linked into `edge-eval`.
#![expect(clippy::print_stdout, reason = "chores are talked to at a terminal; their tables are their output")]

mod bench;
mod check;
mod corpus;
mod field;
mod greedy;
mod llama_cpp;
mod pretrain;
mod probe;
mod tokenizer;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The project's own chores.
#[derive(Parser)]
#[command(name = "cargo xtask", version)]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Write the quickstart's three task sets.
    Corpus {
        /// Folder for the JSONL files.
        #[arg(long, default_value = "crates/edge-eval/quickstart/data")]
        out: PathBuf,
    },
    /// Train the quickstart's tokenizer.
    Tokenizer {
        /// The model folder.
        #[arg(long, default_value = "crates/edge-eval/quickstart/model")]
        out: PathBuf,
    },
    /// Train the quickstart's model.
    Pretrain(pretrain::Options),
    /// Score a model on held-out rows.
    Probe(probe::Options),
    /// Print the speed table.
    Bench(bench::Options),
    /// Set load clients, ours and others, beside the mock's truth: the table of docs/client-accuracy.md.
    ClientAccuracy(field::Options),
    /// Build llama.cpp's server from its package, and test it beside the embedded engine.
    LlamaCpp(llama_cpp::Options),
    /// Check what the quickstart promises on its JSON report.
    CheckQuickstart {
        /// The report.
        report: PathBuf,
    },
    /// Print some pretraining documents.
    Documents {
        /// How many.
        #[arg(default_value_t = 12)]
        count: usize,
    },
}

fn main() -> Result<()> {
    match Args::parse().chore {
        Chore::Corpus { out } => corpus::write_task_sets(&out),
        Chore::Tokenizer { out } => tokenizer::train(&out),
        Chore::Pretrain(options) => pretrain::run(&options),
        Chore::Probe(options) => probe::run(&options),
        Chore::Bench(options) => bench::run(&options),
        Chore::ClientAccuracy(options) => field::run(&options),
        Chore::LlamaCpp(options) => llama_cpp::run(&options),
        Chore::CheckQuickstart { report } => check::run(&report),
        Chore::Documents { count } => {
            corpus::Document::stream(0).take(count).for_each(|document| println!("{}\n", document.text));
            Ok(())
        }
    }
}
