//! The load client: puts requests on an OpenAI-compatible server and records what was seen, one record a request.
//!
//! It is deliberately blind to what the answers mean: no marks, no energy, no figures beyond a [`Summary`] for the
//! command line. On the timed path it stamps, pushes and returns; server-sent events and JSON are parsed after the window.

pub mod arrivals;
mod body;
mod client;
mod connect;
mod error;
mod failure;
mod interpret;
mod job;
pub mod mock;
pub mod poll;
pub mod prompts;
mod run;
pub mod sse;
mod summary;
mod target;
pub mod trace;
pub mod wire;

pub use arrivals::{Due, closed_loop};
pub use error::{Error, Result};
pub use failure::{Failure, word};
pub use job::{ApiKey, Body, Job, Message, Prompt, Sampling};
pub use run::{Observer, Run, Silent, run};
pub use summary::{Distribution, P99_MIN_REQUESTS, Summary, summarise};
