//! `edge-eval report`: the figures of a run, computed again from its records.

use std::path::PathBuf;

use clap::ValueEnum;

use super::prices;
use crate::{
    end::End,
    gate::{self, Gate},
    print,
};

/// Print the figures of a run from its records; no model, GPU or network is needed
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  edge-eval report runs/quickstart --format json")]
pub(crate) struct Args {
    /// The run folder
    run: PathBuf,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
    /// Fail with exit code 3 unless every cell that has the figure meets it, such as 'score>=0.5'
    #[arg(long, value_name = "METRIC>=NUMBER")]
    gate: Vec<Gate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Table,
    Json,
    Csv,
    Md,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let document = report::read(&args.run)?.on(prices::today());
    let format = match args.format {
        Form::Table => report::Format::Terminal,
        Form::Json => report::Format::Json,
        Form::Csv => report::Format::Csv,
        Form::Md => report::Format::Markdown,
    };
    print::data(&report::render(&document, format)?)?;
    Ok(if gate::met(&args.gate, &document) { End::Done } else { End::GateNotMet })
}
