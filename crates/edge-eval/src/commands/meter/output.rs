//! The files that were asked for: opened before the work starts, written after every run.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;

use super::{Args, command::Launch, observe::Observed, report::Report};

/// Open files.
pub(super) struct Outputs {
    report: Option<(PathBuf, File)>,
    samples: Option<(PathBuf, BufWriter<File>)>,
}

impl Outputs {
    /// Opens what was asked for.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(super) fn open(args: &Args) -> anyhow::Result<Self> {
        let report = args.out.as_deref().map(|path| anyhow::Ok((path.to_owned(), create(path)?))).transpose()?;
        let mut samples = args.power_csv.as_deref().map(|path| anyhow::Ok((path.to_owned(), BufWriter::new(create(path)?)))).transpose()?;
        if let Some((path, file)) = &mut samples {
            file.write_all(b"command,run,meter,device,monotonic_ns,t_s,power_w\n")
                .and_then(|()| file.flush())
                .with_context(|| writing(path))?;
        }
        Ok(Self { report, samples })
    }

    /// Every power sample of a run. `t_s` counts from the command's start: what lies before it is idle.
    pub(super) fn samples(&mut self, launch: &Launch, run: &Observed) -> anyhow::Result<()> {
        let Some((path, file)) = &mut self.samples else { return Ok(()) };
        let command = quoted(&launch.written());
        for source in &run.sources {
            let meter = source.window.source.map_or("-", record::EnergySource::label);
            for sample in &source.power {
                let t = sample.at.signed_since(run.span.0).get();
                let (round, at) = (run.round + 1, sample.at.get());
                writeln!(file, "{command},{round},{meter},{},{at},{t:.6},{}", sample.device, sample.power.get())
                    .with_context(|| writing(path))?;
            }
        }
        file.flush().with_context(|| writing(path))
    }

    /// The report as JSON.
    pub(super) fn report(&mut self, report: &Report) -> anyhow::Result<()> {
        let Some((path, file)) = &mut self.report else { return Ok(()) };
        let text = serde_json::to_string_pretty(report).context("writing JSON")?;
        writeln!(file, "{text}").and_then(|()| file.sync_all()).with_context(|| writing(path))
    }
}

fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| format!("creating {}", path.display()))
}

fn writing(path: &Path) -> String {
    format!("writing {}", path.display())
}

/// A field of a CSV file (RFC 4180).
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        assert_eq!(quoted("sh -c true"), "sh -c true");
        assert_eq!(quoted("echo \"a\", b"), "\"echo \"\"a\"\", b\"");
    }
}
