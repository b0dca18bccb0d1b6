//! `edge-eval report`: the figures of a run, computed again from its records.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::ValueEnum;

use super::prices;
use crate::{
    end::End,
    gate::{self, Gate},
    page, print,
};

/// Print the figures of a run from its records; no model, GPU or network is needed
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  edge-eval report runs/quickstart --format json\n  edge-eval report runs/quickstart --html report.html\n  edge-eval report runs/quickstart --format parquet --out exported"
)]
pub(crate) struct Args {
    /// The run folder
    run: PathBuf,
    /// How to print them [default: table, and nothing with --html]
    #[arg(long, value_enum)]
    format: Option<Form>,
    /// The folder that --format parquet writes figures.parquet and requests.parquet into; it is made where it is not there
    #[arg(long, value_name = "FOLDER", required_if_eq("format", "parquet"))]
    out: Option<PathBuf>,
    /// Write a page of charts, tables and what-if to this file; it holds all it needs and opens from disk
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Fail with exit code 3 unless every cell that has the figure meets it, such as 'score>=0.5'
    #[arg(long, value_name = "METRIC>=NUMBER")]
    gate: Vec<Gate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Table,
    Json,
    Csv,
    #[value(alias = "md")]
    Markdown,
    Latex,
    Parquet,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let run = report::Run::open(&args.run)?.on(prices::today());
    let document = run.document();
    if let Some(path) = &args.html {
        page::write(&run, path)?;
        gate::note(&format!("page: {}", path.display()));
    }
    match (args.format, &args.html) {
        (None, Some(_)) => {}
        (form, _) => write(args, form.unwrap_or(Form::Table), document)?,
    }
    Ok(if gate::met(&args.gate, document) { End::Done } else { End::GateNotMet })
}

/// The figures in one form.
fn write(args: &Args, form: Form, document: &report::Document) -> anyhow::Result<()> {
    let format = match form {
        Form::Table => Some(report::Format::Terminal),
        Form::Json => Some(report::Format::Json),
        Form::Csv => Some(report::Format::Csv),
        Form::Markdown => Some(report::Format::Markdown),
        Form::Latex => Some(report::Format::Latex),
        Form::Parquet => None,
    };
    match (format, &args.out) {
        (Some(format), None) => print::data(&report::render(document, format)?),
        (Some(_), Some(_)) => bail!("--out is for --format parquet; the other formats go to stdout"),
        (None, out) => parquet(&args.run, out.as_deref().unwrap_or(Path::new(".")), document),
    }
}

fn parquet(run: &Path, folder: &Path, document: &report::Document) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    let written = report::write_parquet(run, folder, document)?;
    print::data(&written.map(|path| format!("{}\n", path.display())).concat())
}
