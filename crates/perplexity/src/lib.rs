//! How likely a model finds the reference answers of conversations, and how far quantised weights are from those in full precision.
//!
//! The prompt by the model's own chat template with the reference answer after it is read once ("teacher-forced"): at each token of the answer
//! the model has the right tokens before it. Only the answer's tokens count, with the one that ends it. Definitions are those of llama.cpp's
//! `llama-perplexity --kl-divergence`, of which this keeps the sums of each item.
//! Not here: means and their errors (`metric`), where conversations come from, how weights are loaded.

mod distribution;
mod error;
mod evaluator;
mod sums;

pub use distribution::{Distribution, NotNumbers};
pub use error::{Error, Result};
pub use evaluator::{Evaluator, Full, Weights};
pub use sums::{Beside, Sums, Token};
