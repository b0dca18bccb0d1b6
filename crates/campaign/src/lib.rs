//! Plan to bound stages, run or reuse: the only room that joins the stages.
//!
//! Each stage is a process. The campaign starts it, meters its process group, watches its line protocol, and records what was
//! observed. It computes no figure: that is `metric`'s work, later, from the records.

mod bind;
mod builds;
mod client;
mod command;
mod engine;
mod error;
mod flags;
mod group;
mod guard;
pub mod items;
pub mod judge;
mod observer;
mod outputs;
mod page_cache;
mod peaks;
mod probe;
mod process;
mod runner;
mod stages;
mod told;

pub use bind::{Bound, BoundModel, BoundTask, Places, bind};
pub use command::missing_commands;
pub use engine::missing_engines;
pub use error::Error;
pub use group::{Account, GroupChild, Reaped};
pub use guard::guard;
pub use observer::{Event, Observer, Silent};
pub use process::{CommandLine, Ended, StageProcess};
pub use runner::{Summary, run};
