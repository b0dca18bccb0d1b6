//! The corpus: rows of conversations, rendered to token ids with loss on the answers, cut to length and made into batches.
//!
//! Not here: prompts and tasks (`score`, `campaign` write the rows), templates (`text` renders them).

mod batch;
mod example;
mod pack;
mod row;

pub use batch::{Batch, Batches, Batching};
pub use example::{Example, Examples};
pub use row::{Row, read};
