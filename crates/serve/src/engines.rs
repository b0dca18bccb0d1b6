//! How a campaign drives an engine: one file each, listed in [`ENGINES`]. An engine turns an artifact and its own options into a
//! command line, and says how to tell that it is ready and where its memory stands. Nothing is spawned or probed here.
//!
//! To add one: a file in `engines/` with a `pub(super) static`, and its entry in [`ENGINES`], which is in the order of names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, Result};

mod embedded;

/// Every engine, in the order of names. Plans are checked, help is printed and reference pages are made by looping over it.
pub static ENGINES: &[&dyn Engine] = &[&embedded::ENGINE];

/// An engine as a campaign sees it.
pub trait Engine: Sync {
    /// The word plans use.
    fn name(&self) -> &'static str;

    /// What it is, in one line.
    fn summary(&self) -> &'static str;

    /// The keys its table in a plan may have; others are errors.
    fn keys(&self) -> &'static [OptionKey];

    /// Checks the options alone, as a plan is checked before anything runs.
    ///
    /// # Errors
    /// [`Error::Options`] with the key and what is wrong with it.
    fn check(&self, options: &Map<String, Value>) -> Result<()>;

    /// How to serve one artifact.
    ///
    /// # Errors
    /// [`Error::Options`], or [`Error::Artifact`] when it cannot serve what it is given.
    fn launch(&self, options: &Map<String, Value>, target: &Target<'_>) -> Result<Launch>;
}

/// One key of an engine's options, for help and reference pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionKey {
    /// As written in the plan.
    pub name: &'static str,
    /// What it does, its unit, and what happens without it.
    pub help: &'static str,
}

/// What is to be served, and how the campaign wants it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// This program's own executable.
    pub own_program: &'a Path,
    /// A Hugging Face folder or a GGUF file.
    pub artifact: &'a Path,
    /// The name requests will carry.
    pub model_name: &'a str,
    /// Streams that will be kept open at the same time.
    pub concurrency: u32,
}

/// A command line and how to talk to what it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The executable; run without a shell.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Environment variables to set beside the inherited ones.
    pub environment: Vec<(&'static str, OsString)>,
    /// How its address is learned.
    pub address: Address,
    /// This path answers 200 once the engine is ready, and not before.
    pub ready_path: &'static str,
    /// The `model` requests must carry.
    pub model_name: String,
    /// The gauge of `/metrics` with the bytes held for weights, KV cache excluded.
    pub weights_metric: Option<&'static str>,
    /// The gauge of `/metrics` with the most bytes held for KV caches.
    pub kv_metric: Option<&'static str>,
}

/// How the address of an engine is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// It chooses a port and tells it on stdout: `{"phase":"listening","at":…,"facts":{"host":…,"port":…}}`.
    LineProtocol,
    /// It listens on 127.0.0.1 at the port that its command line names.
    Port(u16),
}

/// The engine of that name.
///
/// # Errors
/// [`Error::UnknownEngine`], whose hint lists the known ones.
pub fn find(name: &str) -> Result<&'static dyn Engine> {
    ENGINES.iter().copied().find(|engine| engine.name() == name).ok_or_else(|| Error::UnknownEngine { name: name.to_owned() })
}

/// The names of all engines.
pub fn names() -> Vec<&'static str> {
    ENGINES.iter().map(|engine| engine.name()).collect()
}

/// Reads an engine's options into its own strict type (`deny_unknown_fields`).
fn read_options<T: DeserializeOwned>(engine: &dyn Engine, options: &Map<String, Value>) -> Result<T> {
    serde_json::from_value(Value::Object(options.clone())).map_err(|error| {
        let keys: Vec<_> = engine.keys().iter().map(|key| key.name).collect();
        let hint = format!("the keys of \"{}\" are: {}", engine.name(), keys.join(", "));
        Error::Options { engine: engine.name(), reason: error.to_string(), hint }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_sorted() {
        let names = names();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = find("mok").map(Engine::name).unwrap_err();
        assert_eq!(error.to_string(), "unknown engine \"mok\"");
        assert_eq!(error.hint().unwrap(), "one of: embedded");
    }
}
