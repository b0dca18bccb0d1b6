//! Data on stdout: the one place that prints it, so that a reader who leaves early (`| head`) is an error like any other.

use std::io::Write;

use anyhow::Context;

/// Writes text to stdout as it is.
pub(crate) fn data(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("writing to stdout")
}

/// Writes a value to stdout as indented JSON with a line end.
pub(crate) fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    data(&format!("{}\n", serde_json::to_string_pretty(value).context("writing JSON")?))
}
