//! Differentiable operations of a decoder: each runs a fused kernel when nothing is tracked for gradients, and is one graph
//! node with a backward of its own otherwise, so that one block of code serves inference and training.
//!
//! candle's own fused kernels (`rms_norm`, `softmax_last_dim`, `rope`) cut the graph without an error, its `matmul` and its sums
//! compute and keep gradients of frozen tensors, and each of its nodes costs a zeroed buffer and an addition. None of that happens
//! here: what is a `Var` (or depends on one) gets its gradient, nothing else does. A whole block is
//!
//! ```text
//! h = rms_norm(x)
//! q, k, v = linear(h) each, add_bias, split_heads; q, k = rope
//! x = add(x, linear(attention(q, k, v, scale, mask)))
//! x = add(x, linear(silu_mul(linear(h'), linear(h'))))   with h' = rms_norm(x)
//! ```
//!
//! Not here: layers, the weights' storage (`nf4`), and anything that knows an architecture.

mod adamw;
mod add;
mod attention;
pub(crate) mod cpu;
mod cross_entropy;
mod dropout;
mod heads;
mod linear;
mod lora;
mod node;
mod rms_norm;
mod rope;
mod seeded;
mod silu_mul;
mod softmax;
#[cfg(test)]
mod tests;

pub use adamw::{AdamW, adamw};
pub(crate) use add::update;
pub use add::{accumulate, add, add_bias};
pub use attention::{Mask, attention};
pub use cross_entropy::{cross_entropy, linear_cross_entropy};
pub use dropout::{Draw, Dropout};
pub use heads::split_heads;
pub use linear::{FrozenWeight, frozen_linear, linear};
pub use lora::{Lora, lora_linear};
pub use rms_norm::rms_norm;
pub use rope::rope;
pub use seeded::seeded;
pub use silu_mul::silu_mul;
pub use softmax::softmax;
pub(crate) use softmax::softmax_row;
