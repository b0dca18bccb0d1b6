//! The decoder on an NVIDIA GPU. Everything of NVIDIA's is found when the program runs and nothing of it is linked, so one binary runs with and
//! without a GPU: the driver is loaded by name, kernels are compiled for the GPU at hand by NVRTC, products of many rows are cuBLASLt's.
//!
//! Not here: training, servers, text; and no number is converted silently (what a model is stored as, bf16 or f16, is what it is held as).
//!
//! A thread uses one GPU: nothing here can be sent to another thread.

pub mod buffer;
pub mod compile;
pub mod decoder;
mod driver;
pub mod error;
pub mod gpu;
pub mod graph;
pub mod kernels;
mod library;
pub mod matmul;
pub mod probe;

pub use buffer::Buffer;
pub use decoder::{Decoder, Sequence};
pub use error::{Error, Result};
pub use gpu::Gpu;
