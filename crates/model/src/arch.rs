//! The model families: what distinguishes one from another, as data. The decoder itself is written once, in [`crate::decoder`].

pub mod llama;
pub mod qwen2;

/// What is particular to an architecture family.
#[derive(Debug)]
pub struct Family {
    /// `model_type` of `config.json`, and the name used in messages.
    pub model_type: &'static str,
    /// `architectures[0]` of `config.json`.
    pub class: &'static str,
    /// `general.architecture` of GGUF.
    pub gguf: &'static str,
    /// Whether `q_proj`, `k_proj` and `v_proj` carry a bias; `None` leaves it to the key `attention_bias`.
    pub qkv_bias: Option<bool>,
    /// Whether GGUF stores the rows of `q_proj` and `k_proj` interleaved: row `2i` and `2i + 1` turn together, where
    /// safetensors has `i` and `i + head_dim / 2`.
    pub gguf_interleaved: bool,
}

/// Every family that is read, in alphabetical order.
pub static FAMILIES: &[&Family] = &[&llama::FAMILY, &qwen2::FAMILY];

impl PartialEq for Family {
    fn eq(&self, other: &Self) -> bool {
        self.model_type == other.model_type
    }
}

impl Eq for Family {}
