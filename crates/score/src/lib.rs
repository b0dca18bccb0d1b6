//! Tasks, their data sets and prompts, and the marks an answer gets.
//!
//! Rows of a published data set become [`Example`]s; an example becomes an [`Item`] (prompt and references) or a [`Conversation`] to
//! train on; an answer gets marks in 0..1. Nothing here calls a model, applies a chat template or computes a mean.

#![cfg_attr(test, expect(clippy::float_cmp, reason = "exact results are tested as such"))]
#![cfg_attr(
    test,
    expect(
        clippy::needless_raw_string_hashes,
        clippy::needless_pass_by_value,
        reason = "snapshots are written by expect-test, and handed over whole"
    )
)]

pub mod dataset;
mod error;
mod example;
pub mod judge;
pub mod marks;
mod message;
mod overlap;
mod predictions;
mod row;
pub mod tasks;

pub use dataset::{Fields, Limits, Part, Source, Split};
pub use error::{Error, Place, Problem, Result};
pub use example::{Conversation, Example, Item};
pub use marks::{MARKS, Mark, is_empty_answer, mark};
pub use message::{Message, Role};
pub use overlap::{Overlap, keep_apart, overlap};
pub use predictions::{Prediction, Predictions, predictions};
pub use tasks::{TASKS, Task};
