//! Decoder models on candle: weights, linear layers, architectures, KV cache, sampling; and encoders that classify texts.
//!
//! This is the only crate that names candle; what others need of it is re-exported in [`tensor`].
//! It knows nothing of text, training loops, servers or files other than weights and their configuration.

pub mod arch;
pub mod bench_shapes;
pub mod config;
pub mod decoder;
pub mod device;
pub mod encoder;
pub mod error;
mod floats;
pub mod gguf;
pub mod linear;
mod mapped;
mod matvec;
pub mod nf4;
pub mod ops;
pub mod quant;
pub mod safetensors;
pub mod sampling;
pub mod tensor;

pub use arch::Family;
pub use config::{Config, RopeScaling};
pub use decoder::{Base, Compute, Decoder, KvCache, LoadOptions, Positions};
pub use encoder::Encoder;
pub use error::{Error, Result};
pub use linear::Linear;
