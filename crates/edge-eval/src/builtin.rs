//! The quickstart's model and data, carried in the program and unpacked once into the user's cache.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::env;

macro_rules! carried {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../quickstart/", $name)))),*]
    };
}

/// Every file, by its name below the folder.
static FILES: &[(&str, &[u8])] = carried![
    "model/config.json",
    "model/generation_config.json",
    "model/model.safetensors",
    "model/special_tokens_map.json",
    "model/tokenizer.json",
    "model/tokenizer_config.json",
    "data/chat.heldout.jsonl",
    "data/chat.train.jsonl",
    "data/rag.heldout.jsonl",
    "data/rag.train.jsonl",
    "data/summarization.heldout.jsonl",
    "data/summarization.train.jsonl",
];

/// The folder with `model/` and `data/`, unpacked when it is not there yet. Its name digests its contents.
pub(crate) fn unpacked() -> anyhow::Result<PathBuf> {
    let mut hasher = blake3::Hasher::new();
    for (name, bytes) in FILES {
        hasher.update(name.as_bytes()).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }
    let caches = env::cache().context("no place for the quickstart's files: set XDG_CACHE_HOME or HOME")?;
    let folder = caches.join("edge-eval").join(format!("quickstart-{}", &hasher.finalize().to_hex()[..16]));
    if !folder.is_dir() {
        unpack(&folder).with_context(|| format!("unpacking the quickstart's files into {}", folder.display()))?;
    }
    Ok(folder)
}

/// Whole or not at all: under a temporary name of this process's own, then renamed.
fn unpack(folder: &Path) -> std::io::Result<()> {
    let unfinished = folder.with_extension(format!("{}.tmp", std::process::id()));
    for (name, bytes) in FILES {
        let path = unfinished.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&unfinished))?;
        let mut file = fs::File::create(&path)?;
        std::io::Write::write_all(&mut file, bytes)?;
        file.sync_all()?;
    }
    let renamed = fs::rename(&unfinished, folder);
    if renamed.is_err() {
        fs::remove_dir_all(&unfinished)?;
    }
    // Another process may have been first; then its folder serves as well as ours.
    if folder.is_dir() { Ok(()) } else { renamed }
}
