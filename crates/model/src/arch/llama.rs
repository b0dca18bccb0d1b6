//! LLaMA 2 and 3.x: grouped-query attention, `RMSNorm`, SwiGLU, rotary positions, no biases unless the configuration says so.

use super::Family;

/// The family's facts (`LlamaConfig` of transformers; `LLM_ARCH_LLAMA` of llama.cpp).
pub static FAMILY: Family =
    Family { model_type: "llama", class: "LlamaForCausalLM", gguf: "llama", qkv_bias: None, gguf_interleaved: true };
