//! `edge-eval init`: writes a commented plan to start from.

use std::{fs::OpenOptions, io::Write, path::PathBuf};

use anyhow::Context;

use crate::{end::End, print};

/// Write a commented plan to start from
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  edge-eval init my-plan.toml && edge-eval plan my-plan.toml")]
pub(crate) struct Args {
    /// Where to write it; an existing file is never overwritten
    #[arg(default_value = "edge-eval.toml")]
    file: PathBuf,
    /// Write the paper's grid of 72 variants instead
    #[arg(long)]
    paper: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let text = if args.paper { plan::paper_72() } else { plan::template() };
    let path = args.file.display();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&args.file)
        .with_context(|| format!("creating {path} (an existing file is left as it is: name another)"))?;
    file.write_all(text.as_bytes()).with_context(|| format!("writing {path}"))?;
    print::data(&format!("{path}\n"))?;
    Ok(End::Done)
}
