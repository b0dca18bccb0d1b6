//! `edge-eval reproduce`: the paper's tables out of its logs beside what was printed, or out of a run of ours.

use std::path::{Path, PathBuf};

use ::reproduce::{Document, Format, Logs, SHIPPED_SOURCE, of_logs, of_run, render};
use clap::ValueEnum;

use crate::{end::End, print};

/// Recompute the paper's five tables from its logs, cell by cell, and audit them; or print those tables of a run of yours
#[derive(Debug, clap::Args)]
#[command(after_help = "Without DIR the logs are those that come with the program.\n\n\
    Examples:\n  edge-eval reproduce\n  edge-eval reproduce EDGE-EVAL/results --format json\n  edge-eval reproduce runs/quickstart")]
pub(crate) struct Args {
    /// A folder with the authors' seven CSV files, or a run folder
    dir: Option<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Form::Table)]
    format: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Table,
    Json,
    Md,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let format = match args.format {
        Form::Table => Format::Text,
        Form::Json => Format::Json,
        Form::Md => Format::Markdown,
    };
    print::data(&render(&document(args.dir.as_deref())?, format)?)?;
    Ok(End::Done)
}

fn document(dir: Option<&Path>) -> anyhow::Result<Document> {
    let Some(dir) = dir else { return Ok(of_logs(&Logs::shipped()?, SHIPPED_SOURCE)?) };
    if dir.join("run.json").exists() {
        return Ok(of_run(dir)?);
    }
    let logs = Logs::read(dir)?;
    let absent = if logs.absent.is_empty() { String::new() } else { format!(" (absent: {})", logs.absent.join(", ")) };
    Ok(of_logs(&logs, &format!("the logs in {}{absent}", dir.display()))?)
}
