//! What is done to a model between adaptation and serving: merging an adapter into its base, and post-training quantisation
//! to GGUF or to the compressed-tensors format. From files to files; nothing is trained or run here.

mod adapter;
mod base;
mod companions;
mod compressed_tensors;
mod error;
mod merge;
mod output;
mod packed;
mod progress;
mod quantise;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use compressed_tensors::{PackJob, Scheme, pack};
pub use error::{Error, Result};
pub use merge::{MergeJob, merge};
pub use model::quant::Format;
pub use progress::{Event, Facts, Observer, Silent};
pub use quantise::{QuantiseJob, quantise};
