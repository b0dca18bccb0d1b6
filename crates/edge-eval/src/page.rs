//! The report's page in a file: the figures of a run with the paper's tables made of it.

use std::{ffi::OsString, fs, path::Path};

use anyhow::Context;

/// The page's name in a run folder.
pub(crate) const NAME: &str = "report.html";

/// Writes the page in one go: a file that is there already is replaced or stays as it is.
pub(crate) fn write(run: &report::Run, path: &Path) -> anyhow::Result<()> {
    let paper = reproduce::parts(&reproduce::of_campaign(run.campaign()));
    let page = report::html(run, &paper)?;
    let mut unfinished = OsString::from(path);
    unfinished.push(".tmp");
    let written = fs::write(&unfinished, page).and_then(|()| fs::rename(&unfinished, path));
    written.with_context(|| format!("writing the page to {}", path.display()))
}
