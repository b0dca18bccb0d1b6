//! How GGUF lays a model out differently from a Hugging Face folder: names, and the order of rows of `q_proj` and `k_proj`.

use crate::Config;
use crate::decoder::names;

/// Parts of a block: Hugging Face name, GGUF name (`gguf-py/gguf/tensor_mapping.py` of llama.cpp).
const PARTS: &[(&str, &str)] = &[
    ("input_layernorm", "attn_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

/// The divisors of the rotary frequencies, where they are not all one.
pub(super) const ROPE_DIVISORS: &str = "rope_freqs.weight";
/// The output head; absent when it is tied.
pub(super) const HEAD: &str = "output.weight";

/// The GGUF name of a tensor by its Hugging Face name.
pub(super) fn gguf_name(name: &str) -> Option<String> {
    match name {
        names::EMBEDDING => return Some("token_embd.weight".to_owned()),
        names::NORM => return Some("output_norm.weight".to_owned()),
        "lm_head.weight" => return Some(HEAD.to_owned()),
        _ => {}
    }
    let (index, rest) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let (part, ending) = rest.rsplit_once('.')?;
    let (_, gguf) = PARTS.iter().find(|(hf, _)| *hf == part)?;
    Some(format!("blk.{index}.{gguf}.{ending}"))
}

/// The number of heads whose rows are interleaved in GGUF, when this tensor's are.
pub(super) fn interleaved_heads(config: &Config, name: &str) -> Option<usize> {
    if !config.family.gguf_interleaved {
        return None;
    }
    let is = |part: &str| name.strip_suffix(".weight").or_else(|| name.strip_suffix(".bias")).is_some_and(|n| n.ends_with(part));
    if is("self_attn.q_proj") {
        Some(config.heads)
    } else if is("self_attn.k_proj") {
        Some(config.kv_heads)
    } else {
        None
    }
}

/// For each row in Hugging Face order, the row of the GGUF file: within a head, `i` of the first half is at `2i`, `i` of the second at `2i + 1`.
pub(super) fn rows_in_gguf(heads: usize, rows: usize) -> Vec<u32> {
    let dim = rows / heads;
    (0..rows).map(|row| (row / dim * dim + row % dim % (dim / 2) * 2 + row % dim / (dim / 2)) as u32).collect()
}

/// The inverse: for each row of the GGUF file, the row in Hugging Face order.
pub(super) fn rows_in_hf(heads: usize, rows: usize) -> Vec<u32> {
    let mut inverse = vec![0; rows];
    for (hf, gguf) in rows_in_gguf(heads, rows).into_iter().enumerate() {
        inverse[gguf as usize] = hf as u32;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_interleaved_head_by_head() {
        assert_eq!(rows_in_gguf(2, 8), [0, 2, 1, 3, 4, 6, 5, 7]);
        assert_eq!(rows_in_hf(1, 6), [0, 3, 1, 4, 2, 5]);
    }

    #[test]
    fn every_tensor_of_a_model_has_a_name() {
        let config = crate::bench_shapes::small();
        for (name, _) in names::tensors(&config) {
            assert!(gguf_name(&name).is_some(), "{name}");
        }
        assert_eq!(gguf_name("model.layers.3.self_attn.q_proj.bias").unwrap(), "blk.3.attn_q.bias");
        assert_eq!(gguf_name("model.layers.3.rotary_emb.inv_freq"), None);
    }
}
