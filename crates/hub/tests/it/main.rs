//! Folders, caches and a small hub of our own: what is found, what is missed, and what is said of it.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests; a failed step is a failed test")]

mod cache;
mod data_set;
mod download;
mod fake_hub;
mod folder;

use std::path::Path;

use hub::{Error, Hub, Require, Resolved, Silent, Source};

/// A hub that may not download.
fn offline(cache: &Path) -> Hub {
    Hub { cache: cache.to_owned(), online: false, endpoint: None, token: None }
}

fn resolve(hub: &Hub, name: &str) -> Result<Resolved, Error> {
    hub.resolve(&Source::parse(name)?, Require::Model, &Silent)
}

/// A model folder of the three files that matter.
fn write_model(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("config.json"), r#"{"model_type": "llama"}"#).unwrap();
    std::fs::write(folder.join("tokenizer.json"), "{}").unwrap();
    std::fs::write(folder.join("model.safetensors"), [7; 100]).unwrap();
}

/// The same in two shards.
fn write_sharded(folder: &Path) {
    write_model(folder);
    std::fs::remove_file(folder.join("model.safetensors")).unwrap();
    std::fs::write(folder.join("model.safetensors.index.json"), INDEX).unwrap();
    for shard in ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] {
        std::fs::write(folder.join(shard), [7; 60]).unwrap();
    }
}

const INDEX: &str = r#"{"metadata": {"total_size": 120}, "weight_map": {
    "b": "model-00002-of-00002.safetensors", "a": "model-00001-of-00002.safetensors", "c": "model-00002-of-00002.safetensors"}}"#;

/// Message and hint, with the folder's name taken out.
fn shown(error: &Error, folder: &Path) -> String {
    format!("{error}\nhint: {}", error.hint().unwrap_or_default()).replace(&folder.display().to_string(), "DIR")
}
