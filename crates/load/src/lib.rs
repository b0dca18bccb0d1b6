//! The load client: puts requests on an OpenAI-compatible server and records what was seen, one record a request.
//!
//! It is deliberately blind to what the answers mean: no marks, no energy, no figures beyond a [`Summary`] for the
//! command line. On the timed path it stamps, pushes and returns; server-sent events and JSON are parsed after the window.

mod agenda;
pub mod arrivals;
mod body;
pub mod calibrate;
mod cpu;
mod deadlines;
mod engine;
mod error;
mod exchange;
mod failure;
mod framing;
mod interpret;
mod job;
pub mod mock;
pub mod poll;
pub mod prefix_cache;
mod priority;
pub mod prometheus;
pub mod prompts;
mod run;
pub mod search;
pub mod sse;
mod stream;
mod summary;
mod target;
mod tls;
pub mod trace;
pub mod wire;

pub use arrivals::{Due, closed_loop};
pub use error::{Error, Result, hint};
pub use failure::{Failure, word};
pub use job::{ApiKey, Body, Job, Message, Prompt, Sampling};
pub use record::{Limits, NoLimit, Standing};
pub use run::{Observer, Run, Silent, run};
pub use summary::{Came, Counts, DEFINITIONS, Distribution, Goodput, Intervals, Lag, P99_MIN_REQUESTS, Summary, summarise};
pub use wire::ReadLag;
