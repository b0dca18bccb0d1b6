//! Which files make up a tokenizer folder, and copying them to another one (a merged model keeps its base's tokenizer).

use std::path::Path;

use crate::{Error, Result};

/// Every file name that a tokenizer or its chat template may live in.
pub const TOKENIZER_FILES: &[&str] = &[
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "chat_template.jinja",
    "chat_template.json",
];

/// Copies the [`TOKENIZER_FILES`] that `from` has into `to`, byte for byte, and returns their names.
///
/// # Errors
///
/// [`Error::MissingTokenizer`] when `from` has no `tokenizer.json`; [`Error::Io`] when a copy fails.
pub fn copy_tokenizer_files(from: &Path, to: &Path) -> Result<Vec<&'static str>> {
    let mut copied = Vec::new();
    for name in TOKENIZER_FILES {
        let target = to.join(name);
        match std::fs::copy(from.join(name), &target) {
            Ok(_) => copied.push(*name),
            Err(source) if source.kind() == std::io::ErrorKind::NotFound && !from.join(name).exists() => {}
            Err(source) => return Err(Error::Io { verb: "write", path: target, source }),
        }
    }
    if copied.contains(&"tokenizer.json") {
        Ok(copied)
    } else {
        Err(Error::MissingTokenizer { folder: from.to_owned(), file: "tokenizer.json" })
    }
}
