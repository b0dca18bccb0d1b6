//! The registry of result files: one file each, in one list sorted by name. Telling a file's format and `edge-eval import --help` loop
//! over it.

mod aiperf;
mod guidellm;
mod llama_bench;
mod lm_eval;
mod vllm_bench;

use crate::file::Contents;
use crate::{Imported, Result};

/// A kind of result file.
pub struct Format {
    /// The word on the command line and in the output.
    pub name: &'static str,
    /// Whose files, of which version they were read here, and which of them.
    pub title: &'static str,
    recognises: fn(&Keys) -> bool,
    pub(crate) read: fn(&Contents) -> Result<Vec<Imported>>,
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Format").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Every format, by name.
pub static FORMATS: &[&Format] = &[&aiperf::FORMAT, &guidellm::FORMAT, &llama_bench::FORMAT, &lm_eval::FORMAT, &vllm_bench::FORMAT];

/// Finds a format by its name.
pub fn find(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name).copied()
}

/// The keys of a file's first object.
struct Keys(Vec<String>);

impl Keys {
    fn have(&self, keys: &[&str]) -> bool {
        keys.iter().all(|key| self.0.iter().any(|known| known == key))
    }
}

/// The format whose keys a file has.
pub(crate) fn recognise(contents: &Contents) -> Result<&'static Format> {
    let keys = Keys(contents.keys()?);
    FORMATS.iter().find(|format| (format.recognises)(&keys)).copied().ok_or_else(|| contents.unknown())
}

/// A failure in a line that is short enough for a record.
fn failure(text: &str) -> String {
    const LONGEST: usize = 200;
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn the_registry_is_sorted_and_every_entry_is_told() {
        assert!(FORMATS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(FORMATS.iter().all(|format| !format.title.is_empty() && find(format.name).is_some()));
        assert!(find("genai-perf").is_none() && Error::Unknown { path: "x".into() }.hint().unwrap().contains("aiperf"));
    }
}
