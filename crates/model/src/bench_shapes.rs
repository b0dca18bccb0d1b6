//! Shapes that speed is measured on, for the benches here and for `xtask bench`. Not models: the weights are random.

use crate::arch::llama;
use crate::config::{Biases, Config, RopeScaling};

/// The 58-million-parameter LLaMA shape of the anchors: hidden 512, 8 layers, vocabulary 32,000, untied.
pub fn small() -> Config {
    Config {
        family: &llama::FAMILY,
        hidden: 512,
        intermediate: 1536,
        layers: 8,
        heads: 8,
        kv_heads: 4,
        head_dim: 64,
        vocab: 32_000,
        max_positions: 4096,
        rms_norm_eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::None,
        tied: false,
        biases: Biases { qkv: false, output: false, mlp: false },
        bos: Some(1),
        eos: vec![2],
    }
}

/// The shape of Llama-3.2-1B: hidden 2,048, 16 layers, vocabulary 128,256, tied.
pub fn llama_1b() -> Config {
    Config {
        hidden: 2048,
        intermediate: 8192,
        layers: 16,
        heads: 32,
        kv_heads: 8,
        vocab: 128_256,
        max_positions: 131_072,
        rope_theta: 500_000.0,
        rope_scaling: RopeScaling::Llama3 { factor: 32.0, low_freq_factor: 1.0, high_freq_factor: 4.0, original_positions: 8192 },
        tied: true,
        bos: Some(128_000),
        eos: vec![128_001, 128_008, 128_009],
        ..small()
    }
}

/// A prompt of `length` ids that any vocabulary of at least `vocab` entries has.
pub fn prompt(length: usize, vocab: usize) -> Vec<u32> {
    (0..length).map(|i| ((i * 7919 + 13) % vocab) as u32).collect()
}
