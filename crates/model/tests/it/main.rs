//! Whole models: against other implementations, against themselves, and against files that lie.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "the helpers of tests, which may panic and say why they skip")]

mod configs;
mod encoder_configs;
mod encoders;
mod gguf;
mod invariance;
mod random;
mod safetensors;
mod stories;
mod support;
mod transformers;
