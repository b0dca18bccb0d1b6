//! How a campaign drives an engine: one file each, listed in [`ENGINES`]. An engine turns an artifact and its own options into a
//! [`Launch`]: a command line, and how to tell that it is ready, its version, and where its memory stands. Nothing is spawned or probed
//! here.
//!
//! To add one: a file in `engines/` with a `pub(super) static`, and its entry in [`ENGINES`], which is in the order of names.

use std::ffi::{OsStr, OsString};
use std::num::{NonZeroU16, NonZeroU32};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::in_flight::{self, Quantised};
use crate::launch::{About, Address, COMMON_KEYS, Launch, Origin, Ready, Speaks, Start, Stop, Tells, Version};

mod embedded;
mod llama_cpp;
mod mistralrs;
mod ollama;
mod openai;
mod sglang;
mod tgi;
mod transformers;
mod trtllm;
mod vllm;

/// Every engine, in the order of names. Plans are checked, help is printed and reference pages are made by looping over it.
pub static ENGINES: &[&dyn Engine] = &[
    &embedded::ENGINE,
    &llama_cpp::ENGINE,
    &mistralrs::ENGINE,
    &ollama::ENGINE,
    &openai::ENGINE,
    &sglang::ENGINE,
    &tgi::ENGINE,
    &transformers::ENGINE,
    &trtllm::ENGINE,
    &vllm::ENGINE,
];

/// An engine as a campaign sees it.
pub trait Engine: Sync {
    /// What is always true of it.
    fn about(&self) -> &'static About;

    /// Checks the options alone, as a plan is checked before anything runs.
    ///
    /// # Errors
    /// [`Error::Options`] with the key and what is wrong with it.
    fn check(&self, options: &Map<String, Value>) -> Result<()>;

    /// The program that is started, without its arguments; `None` where nothing is.
    ///
    /// # Errors
    /// [`Error::Options`] with the key and what is wrong with it.
    fn program(&self, options: &Map<String, Value>) -> Result<Option<Start>>;

    /// How to serve one artifact.
    ///
    /// # Errors
    /// [`Error::Options`], or [`Error::Artifact`] when it cannot serve what it is given.
    fn launch(&self, options: &Map<String, Value>, target: &Target<'_>) -> Result<Launch>;
}

/// What is to be served, and how the campaign wants it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// This program's own executable.
    pub own_program: &'a Path,
    /// A Hugging Face model folder, a PEFT adapter folder or a GGUF file.
    pub artifact: &'a Path,
    /// The name requests will carry.
    pub model_name: &'a str,
    /// How its weights come to be quantised.
    pub quantised: Quantised,
    /// Streams that will be kept open at the same time.
    pub concurrency: u32,
    /// A port of 127.0.0.1 that is free, for engines that do not choose one; the plan may name another.
    pub port: u16,
    /// A folder for files of the start, which the engine may make.
    pub scratch: &'a Path,
}

impl Target<'_> {
    /// The word for quantising that the engine is to be given, if any. `told` is the plan's.
    fn quantisation(&self, engine: &dyn Engine, told: Option<String>) -> Result<Option<String>> {
        let about = engine.about();
        in_flight::word(about.name, about.in_flight, told, self.quantised)
    }
}

/// The engine of that name.
///
/// # Errors
/// [`Error::UnknownEngine`], whose hint lists the known ones.
pub fn find(name: &str) -> Result<&'static dyn Engine> {
    ENGINES.iter().copied().find(|engine| engine.about().name == name).ok_or_else(|| Error::UnknownEngine { name: name.to_owned() })
}

/// The names of all engines.
pub fn names() -> Vec<&'static str> {
    ENGINES.iter().map(|engine| engine.about().name).collect()
}

/// What the plan says for every engine that is another's program. See [`COMMON_KEYS`].
#[derive(Clone, Debug, Default, Deserialize)]
struct Common {
    program: Option<PathBuf>,
    port: Option<NonZeroU16>,
    version: Option<String>,
    ready_timeout_s: Option<NonZeroU32>,
    #[serde(default)]
    extra_args: Vec<String>,
}

impl Common {
    fn port(&self, target: &Target<'_>) -> u16 {
        self.port.map_or(target.port, NonZeroU16::get)
    }

    fn ready(&self, path: &'static str) -> Ready {
        Ready { path, patience_s: self.ready_timeout_s.map_or(READY_PATIENCE_S, |seconds| u64::from(seconds.get())) }
    }

    fn program(&self, usual: &str) -> PathBuf {
        self.program.clone().unwrap_or_else(|| usual.into())
    }

    /// The start of a program of others that listens on 127.0.0.1 at a port we choose.
    fn launch(self, target: &Target<'_>, line: Line, server: Server) -> Launch {
        let Server { ready, model_name, speaks, version, tells, stop } = server;
        Launch {
            start: Some(line.extra(&self.extra_args).start()),
            address: Address::Port(self.port(target)),
            ready: Some(self.ready(ready)),
            after_ready: Vec::new(),
            model_name,
            speaks,
            api_key_env: None,
            version,
            wanted_version: self.version,
            tells,
            stop,
        }
    }
}

/// What is particular to an engine's server, once it listens.
struct Server {
    /// The path that answers 200 once it is ready.
    ready: &'static str,
    model_name: String,
    speaks: Speaks,
    version: Version,
    tells: Tells,
    stop: Stop,
}

/// How long an engine may take from spawn to ready: the slowest known takes some minutes for large models.
const READY_PATIENCE_S: u64 = 30 * 60;

/// Reads an engine's options into its own strict type (`deny_unknown_fields`), the common ones apart.
fn read_options<T: DeserializeOwned>(engine: &dyn Engine, options: &Map<String, Value>) -> Result<(Common, T)> {
    let is_common = |key: &str| engine.about().origin == Origin::Foreign && COMMON_KEYS.iter().any(|common| common.name == key);
    let (common, own): (Map<_, _>, Map<_, _>) = options.clone().into_iter().partition(|(key, _)| is_common(key));
    let bad = |error: serde_json::Error| bad_options(engine, &error.to_string());
    Ok((serde_json::from_value(common.into()).map_err(bad)?, serde_json::from_value(own.into()).map_err(bad)?))
}

/// What is wrong with an engine's options, with the keys it has.
fn bad_options(engine: &dyn Engine, reason: &str) -> Error {
    let about = engine.about();
    let keys: Vec<_> = about.all_keys().map(|key| key.name).collect();
    let hint = format!("the keys of \"{}\" are: {}", about.name, keys.join(", "));
    Error::Options { engine: about.name, reason: reason.to_owned(), hint }
}

/// A share of memory, which must be above 0 and at most 1.
fn check_share(engine: &dyn Engine, key: &str, share: Option<f64>) -> Result<()> {
    match share {
        Some(share) if !(share > 0.0 && share <= 1.0) => {
            Err(bad_options(engine, &format!("{key} is {share}, and must be above 0 and at most 1")))
        }
        _ => Ok(()),
    }
}

/// Builds a command line.
struct Line {
    start: Start,
}

impl Line {
    fn of(program: impl Into<PathBuf>) -> Self {
        let start =
            Start { program: program.into(), own: false, args: Vec::new(), environment: Vec::new(), files: Vec::new(), package: None };
        Self { start }
    }

    /// `python -m module`, of a distribution that must be installed for that interpreter.
    fn module(python: PathBuf, module: &str, package: &'static str) -> Self {
        let mut line = Self::of(python).flag("-m", module);
        line.start.package = Some(package);
        line
    }

    /// A word by itself.
    fn word(mut self, word: impl AsRef<OsStr>) -> Self {
        self.start.args.push(word.as_ref().to_owned());
        self
    }

    /// An option and its value.
    fn flag(self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.word(name).word(value)
    }

    /// An option and its value, where there is one.
    fn flag_if(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.flag(name, value.to_string()),
            None => self,
        }
    }

    /// One of two words, where the choice is made.
    fn switch(self, choice: Option<bool>, on: &str, off: &str) -> Self {
        match choice {
            Some(true) => self.word(on),
            Some(false) => self.word(off),
            None => self,
        }
    }

    /// A text file that it reads.
    fn file(mut self, path: PathBuf, text: String) -> Self {
        self.start.files.push((path, text));
        self
    }

    /// The words that a plan adds as they are.
    fn extra(self, words: &[String]) -> Self {
        words.iter().fold(self, Self::word)
    }

    fn variable(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.start.environment.push((name, value.into()));
        self
    }

    fn start(self) -> Start {
        self.start
    }
}

/// Asks a Python interpreter for the version of an installed distribution: much faster than importing it.
fn package_version(python: PathBuf, package: &'static str) -> Start {
    let script = format!("import importlib.metadata as m; print(m.version('{package}'))");
    let mut start = Line::of(python).flag("-c", script).start();
    start.package = Some(package);
    start
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
        let error = find("mok").map(|engine| engine.about().name).unwrap_err();
        assert_eq!(error.to_string(), "unknown engine \"mok\"");
        assert_eq!(
            error.hint().unwrap(),
            "one of: embedded, llama-cpp, mistralrs, ollama, openai, sglang, tgi, transformers, trtllm, vllm"
        );
    }

    #[test]
    fn every_engine_says_what_its_keys_do_and_how_it_is_installed() {
        for engine in ENGINES {
            let about = engine.about();
            assert!(!about.install.is_empty() && !about.summary.is_empty(), "{}", about.name);
            assert!(about.all_keys().all(|key| !key.help.is_empty()), "{}", about.name);
            let unknown = Map::from_iter([("no_such_key".to_owned(), Value::Null)]);
            let error = engine.check(&unknown).unwrap_err();
            let told = error.to_string();
            assert!(told.contains("unknown field `no_such_key`"), "{told}");
            // The keys that are read are those that help shows.
            for key in about.keys {
                assert!(told.contains(&format!("`{}`", key.name)), "{}: {} is not read", about.name, key.name);
            }
            assert_eq!(told.matches('`').count() / 2 - 1, about.keys.len(), "{}: a key without help: {told}", about.name);
            assert_eq!(error.hint().unwrap().matches(", ").count() + 1, about.all_keys().count());
        }
    }
}
