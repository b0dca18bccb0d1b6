//! The files that were asked for: tried before the first request is sent, written as soon as there is something to write.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use record::Request;
use serde::Serialize;

use super::args::Args;

/// Open files.
pub(super) struct Outputs {
    lines: Option<(PathBuf, File)>,
    save: Option<PathBuf>,
}

impl Outputs {
    /// Opens what was asked for.
    pub(super) fn open(args: &Args) -> anyhow::Result<Self> {
        let lines = args.out.as_deref().map(|path| anyhow::Ok((path.to_owned(), create(path)?))).transpose()?;
        if let Some(path) = &args.save {
            // No row yet, so that a place where nothing can be written is known before the work and not after it.
            record::write_requests(path, &[])?;
        }
        Ok(Self { lines, save: args.save.clone() })
    }

    /// One point.
    pub(super) fn point(&mut self, point: &impl Serialize) -> anyhow::Result<()> {
        self.line(&serde_json::to_value(point).context("writing JSON")?)
    }

    /// One line of JSON, on the disk before the next point begins.
    pub(super) fn line(&mut self, value: &serde_json::Value) -> anyhow::Result<()> {
        let Some((path, file)) = &mut self.lines else { return Ok(()) };
        writeln!(file, "{value}").and_then(|()| file.sync_data()).with_context(|| format!("writing {}", path.display()))
    }

    /// One row a request.
    pub(super) fn requests(&self, requests: &[Request]) -> anyhow::Result<()> {
        match &self.save {
            Some(path) => Ok(record::write_requests(path, requests)?),
            None => Ok(()),
        }
    }
}

fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| format!("creating {}", path.display()))
}
