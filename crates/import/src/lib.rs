//! Result files of other benchmarks (`AIPerf`, `GuideLLM`, `vllm bench serve`, llama-bench, lm-evaluation-harness), turned into records, so
//! that the deployment metrics follow from them by the same code as from our own runs.
//!
//! A file format is one file in `formats/` and one line in [`FORMATS`]. What a file does not tell (energy, memory, cold start, prices) is
//! [`Given`] by the caller or missing, with the reason. No formula stands here: figures are `metric`'s. Nothing is measured here, and no
//! run folder is written.

mod campaign;
mod document;
mod error;
mod figures;
mod file;
mod formats;
mod given;
mod observed;
mod time;

use std::path::Path;

use units::Reading;

pub use document::{Answer, Document, Figure, Measurement, Observed, SCHEMA, ScoreRow};
pub use error::{Error, Result};
pub use figures::document;
pub use formats::{FORMATS, Format, find};
pub use given::{Api, Given, Scores};
pub use observed::{Imported, Item, Requests, Serving, Stated, TaskScore};

/// What one file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The file, as named by the caller.
    pub file: String,
    /// The format's name.
    pub format: &'static str,
    /// The serving measurements and scores in it, in the file's order; at least one.
    pub imported: Vec<Imported>,
}

/// Reads one file: in the named format, or in the one that its keys tell.
///
/// # Errors
/// When the file cannot be read, is larger than [`Error::TooLarge`] says, is of no known format, contradicts itself, or holds nothing.
pub fn read(path: &Path, format: Option<&'static Format>) -> Result<Source> {
    let contents = file::Contents::read(path)?;
    let format = match format {
        Some(format) => format,
        None => formats::recognise(&contents)?,
    };
    let imported = (format.read)(&contents)?;
    if imported.is_empty() {
        return Err(contents.bad("the whole file", "holds no result"));
    }
    for serving in imported.iter().filter_map(Imported::serving) {
        if let (Requests::Rows(_), Reading::Known(tokens)) = (&serving.requests, serving.requests.output()) {
            contents.bounded_tokens(tokens)?;
        }
    }
    Ok(Source { file: path.display().to_string(), format: format.name, imported })
}
