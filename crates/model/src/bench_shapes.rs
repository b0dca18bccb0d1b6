//! Shapes that speed is measured on, for the benches here and for `xtask bench`. Not models: the weights are random.

use candle_core::Tensor;

use crate::arch::llama;
use crate::config::{Biases, Config, RopeScaling};
use crate::encoder::{self, Sequence};
use crate::quant::Format;
use crate::sampling::argmax;
use crate::{Base, Compute, Decoder, KvCache, LoadOptions, Result};

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

/// The shape of DeBERTa-v3-base with an NLI head, but for a vocabulary of 8,000 instead of 128,100, which costs memory and no time.
///
/// # Errors
/// Never: the configuration is one that is read.
pub fn deberta_v3_base() -> Result<encoder::Config> {
    encoder::Config::from_json(
        r#"{"model_type": "deberta-v2", "hidden_act": "gelu", "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
        "num_attention_heads": 12, "max_position_embeddings": 512, "relative_attention": true, "position_buckets": 256,
        "norm_rel_ebd": "layer_norm", "share_att_key": true, "pos_att_type": "p2c|c2p", "layer_norm_eps": 1e-7,
        "max_relative_positions": -1, "position_biased_input": false, "type_vocab_size": 0, "vocab_size": 8000,
        "pooler_hidden_act": "gelu", "num_labels": 3}"#,
    )
}

/// 32 pairs of 192 to 318 tokens, 255 on average, as long as an article's paragraph with a summary.
pub fn pairs() -> Vec<Sequence> {
    (0..32).map(|i| Sequence { ids: prompt(192 + (i * 37) % 128, 8000), types: Vec::new() }).collect()
}

/// A prompt of `length` ids that any vocabulary of at least `vocab` entries has.
pub fn prompt(length: usize, vocab: usize) -> Vec<u32> {
    (0..length).map(|i| ((i * 7919 + 13) % vocab) as u32).collect()
}

/// The formats that speed is measured in, by the names tables show.
pub const FORMATS: &[(&str, Compute, Base)] = &[
    ("f32", Compute::F32, Base::AsStored),
    ("f16", Compute::F16, Base::AsStored),
    ("q8_0", Compute::F32, Base::Quantised(Format::Q8_0)),
    ("q4_k", Compute::F32, Base::Quantised(Format::Q4K)),
];

/// A model with random weights and room for one sequence. It does the work of a measurement; whoever calls it holds the clock.
#[derive(Debug)]
pub struct Bench {
    decoder: Decoder,
    cache: KvCache,
    prompt: Tensor,
    next: u32,
}

impl Bench {
    /// A model of this shape and one of [`FORMATS`], for a prompt and an answer of these lengths.
    ///
    /// # Errors
    /// When an operation fails.
    pub fn new(config: &Config, format: (Compute, Base), prompt_length: usize, answer_length: usize) -> Result<Self> {
        let options = LoadOptions { device: crate::device::best(), compute: format.0, base: format.1 };
        let decoder = Decoder::random(config, 1, &options)?;
        let cache = decoder.new_cache(1, prompt_length + answer_length)?;
        let prompt = Tensor::new(prompt(prompt_length, config.vocab), decoder.device())?.unsqueeze(0)?;
        Ok(Self { decoder, cache, prompt, next: 0 })
    }

    /// The model.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Runs the prompt through an empty cache.
    ///
    /// # Errors
    /// When an operation fails.
    pub fn prefill(&mut self) -> Result<()> {
        self.cache.truncate(0);
        self.next = pick(&self.decoder.forward(&self.prompt, &mut self.cache)?)?;
        Ok(())
    }

    /// Takes `length` greedy tokens after the prompt, whatever was taken after it before. The prompt must have been run.
    ///
    /// # Errors
    /// When there is no room, or an operation fails.
    pub fn decode(&mut self, length: usize) -> Result<()> {
        self.cache.truncate(self.prompt.dim(1)?);
        for _ in 0..length {
            let ids = Tensor::new(&[[self.next]], self.decoder.device())?;
            self.next = pick(&self.decoder.forward(&ids, &mut self.cache)?)?;
        }
        Ok(())
    }
}

fn pick(logits: &Tensor) -> Result<u32> {
    Ok(argmax(&logits.flatten_all()?.to_vec1::<f32>()?).unwrap_or(0))
}
