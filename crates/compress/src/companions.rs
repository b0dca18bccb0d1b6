//! What stands beside the weights of a model folder that is written: its configuration, in which the number format changes, and the
//! tokenizer, chat template and generation settings, which do not.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::{Error, Result};

/// The one weight file of a folder that is written here.
pub(crate) const WEIGHTS: &str = "model.safetensors";

/// The base's configuration, with f16 under whichever key the number format stands, and with `quantisation` as its
/// `quantization_config`.
pub(crate) fn write_config(from: &Path, to: &Path, quantisation: Option<Value>) -> Result<()> {
    let (path, target) = (from.join("config.json"), to.join("config.json"));
    let bytes = fs::read(&path).map_err(|source| Error::io(&path, source))?;
    let mut config: Map<String, Value> =
        serde_json::from_slice(&bytes).map_err(|error| Error::Config { path, reason: error.to_string() })?;
    let key = if config.contains_key("dtype") { "dtype" } else { "torch_dtype" };
    config.insert(key.to_owned(), Value::String("float16".to_owned()));
    if let Some(quantisation) = quantisation {
        config.insert("quantization_config".to_owned(), quantisation);
    }
    let text = serde_json::to_string_pretty(&config).map_err(|error| Error::Config { path: target.clone(), reason: error.to_string() })?;
    fs::write(&target, text + "\n").map_err(|source| Error::io(&target, source))
}

/// Tokenizer, chat template and generation settings, byte for byte.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    if text::copy_tokenizer_files(from, to)?.is_empty() {
        return Err(text::Error::MissingTokenizer { folder: from.to_owned(), file: "tokenizer.json" }.into());
    }
    let (generation, target) = (from.join("generation_config.json"), to.join("generation_config.json"));
    if generation.exists() {
        fs::copy(&generation, &target).map_err(|source| Error::io(&target, source))?;
    }
    Ok(())
}
