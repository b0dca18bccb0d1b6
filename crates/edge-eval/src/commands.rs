//! The subcommands: one file each, holding that command's arguments and its run.

mod adapt;
mod advise;
mod burn;
mod calibrate;
mod compare;
mod compress;
mod doctor;
mod gpu;
mod guard;
mod import;
mod init;
mod list;
mod load;
mod meter;
mod mock;
mod nli;
mod perplexity;
mod plan;
mod prices;
mod project;
mod push;
mod random_weights;
mod report;
mod reproduce;
mod run;
mod score;
mod serve;

use clap::{Parser, Subcommand};

use crate::end::End;

/// Is this language model worth running yourself?
///
/// Takes a plan (models, tasks, strategies, engines, prices), runs every variant through its whole life (adapt, compress, serve, load,
/// score), meters energy, time and memory at each stage, and answers in money, joules, carbon and quality, with intervals.
#[derive(Debug, Parser)]
#[command(
    name = "edge-eval",
    version,
    after_help = "Exit codes: 0 done, 1 failed, 2 bad plan or arguments, 3 gate not met, 4 measurement invalid.\n\nExample:\n  edge-eval run"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Plan(plan::Args),
    Init(init::Args),
    Report(report::Args),
    Compare(compare::Args),
    Push(push::Args),
    Reproduce(reproduce::Args),
    Import(import::Args),
    Advise(advise::Args),
    Project(project::Args),
    Prices(prices::Args),
    List(list::Args),
    Doctor(doctor::Args),
    Adapt(adapt::Args),
    Compress(compress::Args),
    Serve(serve::Args),
    Load(Box<load::Args>),
    Meter(meter::Args),
    Mock(mock::Args),
    Calibrate(calibrate::Args),
    Nli(nli::Args),
    Perplexity(perplexity::Args),
    Score(score::Args),
    #[command(hide = true)]
    Burn(burn::Args),
    #[command(hide = true)]
    Gpu(gpu::Args),
    #[command(hide = true)]
    Guard(guard::Args),
    #[command(hide = true)]
    RandomWeights(random_weights::Args),
}

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli) -> anyhow::Result<End> {
    match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Push(args) => push::run(&args),
        Command::Reproduce(args) => reproduce::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Advise(args) => advise::run(&args),
        Command::Project(args) => project::run(&args),
        Command::Prices(args) => prices::run(&args),
        Command::List(args) => list::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Adapt(args) => adapt::run(&args),
        Command::Compress(args) => compress::run(&args),
        Command::Serve(args) => serve::run(args),
        Command::Load(args) => load::run(&args),
        Command::Meter(args) => meter::run(&args),
        Command::Mock(args) => mock::run(&args),
        Command::Nli(args) => nli::run(&args),
        Command::Perplexity(args) => perplexity::run(&args),
        Command::Score(args) => score::run(&args),
        Command::Calibrate(args) => calibrate::run(&args),
        Command::Burn(args) => burn::run(&args),
        Command::Gpu(args) => gpu::run(&args),
        Command::Guard(args) => guard::run(&args),
        Command::RandomWeights(args) => random_weights::run(&args),
    }
}
