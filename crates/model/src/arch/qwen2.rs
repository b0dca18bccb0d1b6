//! Qwen 2 and 2.5: the LLaMA block with a bias on the query, key and value projections.

use super::Family;

/// The family's facts (`Qwen2Config` of transformers; `LLM_ARCH_QWEN2` of llama.cpp).
pub static FAMILY: Family =
    Family { model_type: "qwen2", class: "Qwen2ForCausalLM", gguf: "qwen2", qkv_bias: Some(true), gguf_interleaved: false };
