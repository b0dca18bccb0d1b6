//! The embedded engine's OpenAI-compatible server, and the registry of how every engine is spawned, probed and read.
//!
//! [`run`] serves one model until it is told to stop. [`ENGINES`] says how a campaign drives an engine: its command line, its
//! readiness probe, where its memory stands in `/metrics`. This crate spawns nothing, measures nothing and knows no other stage.

mod artifact;
mod backend;
pub mod engines;
mod error;
pub mod figure;
mod in_flight;
mod job;
mod keys;
pub mod launch;
mod limits;
mod metrics;
mod observer;
mod request;
mod run;
mod scheduler;
mod server;
mod stop;
#[cfg(test)]
mod testing;
mod transcript;
pub mod trouble;
mod words;

pub use backend::{Backend, Failure, Loaded, Sequence};
pub use engines::{ENGINES, Engine, Target};
pub use error::{Error, Result};
pub use in_flight::{InFlight, Quantised};
pub use job::{Adapter, Attach, Model, ServeJob, run};
pub use launch::{About, Address, Launch, OptionKey};
pub use limits::Limits;
pub use observer::{Event, Observer, What};
pub use run::{Listen, run_with};
pub use text::Error as WordsError;
pub use words::Words;
