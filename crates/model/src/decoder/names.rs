//! Names and shapes of a model's tensors, as Hugging Face folders have them.

use std::collections::HashSet;

use crate::{Config, Error, Result};

pub(crate) const EMBEDDING: &str = "model.embed_tokens.weight";
pub(crate) const NORM: &str = "model.norm.weight";
pub(crate) const HEAD: &str = "lm_head";

/// Name of a part of block `index`: `model.layers.0.self_attn.q_proj`.
pub(crate) fn in_block(index: usize, part: &str) -> String {
    format!("model.layers.{index}.{part}")
}

/// A linear layer of a block: name, output width, input width, whether it has a bias.
pub(crate) type LinearShape = (&'static str, usize, usize, bool);

/// The seven linear layers of a block, in the order data flows through them.
pub(crate) fn linears(config: &Config) -> [LinearShape; 7] {
    let (d, q, kv, ff) = (config.hidden, config.q_width(), config.kv_width(), config.intermediate);
    let bias = config.biases;
    [
        ("self_attn.q_proj", q, d, bias.qkv),
        ("self_attn.k_proj", kv, d, bias.qkv),
        ("self_attn.v_proj", kv, d, bias.qkv),
        ("self_attn.o_proj", d, q, bias.output),
        ("mlp.gate_proj", ff, d, bias.mlp),
        ("mlp.up_proj", ff, d, bias.mlp),
        ("mlp.down_proj", d, ff, bias.mlp),
    ]
}

/// Every tensor of a model of this shape, by its Hugging Face name; a tied head is not among them.
pub fn tensors(config: &Config) -> Vec<(String, Vec<usize>)> {
    let (d, vocab) = (config.hidden, config.vocab);
    let mut all = vec![(EMBEDDING.to_owned(), vec![vocab, d])];
    for i in 0..config.layers {
        for norm in ["input_layernorm", "post_attention_layernorm"] {
            all.push((format!("{}.weight", in_block(i, norm)), vec![d]));
        }
        for (name, n, k, bias) in linears(config) {
            all.push((format!("{}.weight", in_block(i, name)), vec![n, k]));
            if bias {
                all.push((format!("{}.bias", in_block(i, name)), vec![n]));
            }
        }
    }
    all.push((NORM.to_owned(), vec![d]));
    if !config.tied {
        all.push((format!("{HEAD}.weight"), vec![vocab, d]));
    }
    all
}

/// Refuses weights of blocks that the configuration does not call for: further layers, or biases it does not mention. Buffers that old
/// files carry (`rotary_emb.inv_freq`) are passed over.
pub(crate) fn check_unused(config: &Config, present: &[String]) -> Result<()> {
    let known: HashSet<String> = tensors(config).into_iter().map(|(name, _)| name).collect();
    let stray = |name: &&String| name.starts_with("model.layers.") && !name.ends_with("inv_freq") && !known.contains(*name);
    match present.iter().find(stray) {
        Some(name) => Err(Error::UnexpectedTensor { name: name.clone() }),
        None => Ok(()),
    }
}
