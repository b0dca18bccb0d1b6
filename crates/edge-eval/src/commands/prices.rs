//! `edge-eval prices`: what the price book holds, with source and date.

mod listing;

use std::{fs::File, io::Read, path::Path, path::PathBuf};

use anyhow::Context;
use clap::ValueEnum;
use econ::{Date, LARGEST_BOOK, PriceBook};

use self::listing::Listing;
use crate::{end::End, gate::note, print};

/// List the price book: hosted models, GPUs, electricity, PUE and grids, each with source and date
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  edge-eval prices models --search llama-3.1\n  edge-eval prices regions --search DE --json")]
pub(crate) struct Args {
    /// Which part; all of them without it
    what: Option<What>,
    /// Only entries that have this in their names
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// A price book of your own (TOML), laid over the program's
    #[arg(long, value_name = "FILE")]
    book: Option<PathBuf>,
    /// LiteLLM's price list (model_prices_and_context_window.json), laid over the program's
    #[arg(long, value_name = "FILE")]
    litellm: Option<PathBuf>,
    /// The day of which LiteLLM's list is; the day its file was last changed without it
    #[arg(long, value_name = "YYYY-MM-DD", requires = "litellm")]
    litellm_date: Option<Date>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A part of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// Hosted models, USD per million tokens
    Models,
    /// GPUs by the hour, and the power of boards
    Gpus,
    /// Grids, electricity and PUE
    Regions,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let listing = Listing::of(&book(args)?, args.what, args.search.as_deref(), today());
    if listing.is_empty() {
        let sought = args.search.as_deref().unwrap_or_default();
        note(&format!("error: no entry has `{sought}` in its names"));
        note("hint: `edge-eval prices` lists all; a figure of your own goes into the plan or a book given with --book");
        return Ok(End::Failed);
    }
    if args.json {
        print::json(&listing.json())?;
    } else {
        print::data(&listing.text())?;
    }
    Ok(End::Done)
}

/// Today's date (UTC).
pub(super) fn today() -> Date {
    Date::of_unix(record::clock::wall().get() / 1_000_000_000)
}

/// The program's book with those that were given laid over it; the user's own over all.
fn book(args: &Args) -> anyhow::Result<PriceBook> {
    let mut book = PriceBook::embedded();
    if let Some(path) = &args.litellm {
        let date = match args.litellm_date {
            Some(date) => date,
            None => last_changed(path)?,
        };
        let list = PriceBook::litellm(&read(path)?, &path.display().to_string(), date)?;
        for bad in &list.rejected {
            note(&format!("left out: {}: {}", bad.name, bad.reason));
        }
        note(&format!("{}: {} models, {} entries free or not paid by tokens", path.display(), list.book.models.len(), list.skipped));
        book = book.with(list.book);
    }
    if let Some(path) = &args.book {
        book = book.with(own_book(path)?);
    }
    Ok(book)
}

/// A price book of the user's own.
pub(super) fn own_book(path: &Path) -> anyhow::Result<PriceBook> {
    Ok(PriceBook::read(&read(path)?, &path.display().to_string())?)
}

/// A text no longer than a book may be; one byte more is read, so that a longer one is refused.
fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    file.take(LARGEST_BOOK + 1).read_to_string(&mut text).with_context(|| format!("reading {}", path.display()))?;
    Ok(text)
}

fn last_changed(path: &Path) -> anyhow::Result<Date> {
    let changed = path.metadata().and_then(|metadata| metadata.modified()).with_context(|| format!("looking at {}", path.display()))?;
    let seconds = changed.duration_since(std::time::UNIX_EPOCH).context("the file's time lies before 1970: give --litellm-date")?;
    Ok(Date::of_unix(seconds.as_secs()))
}
