//! The shape and constants of a model: what `config.json` and GGUF metadata say, as one checked type.
//!
//! Not the tokenizer's business (chat templates, special tokens by name): `text` reads those.

mod gguf;
mod hf;

use std::path::Path;

use crate::arch::Family;
use crate::{Error, Result};

/// How the rotary frequencies are stretched.
#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    /// As trained from the start.
    None,
    /// Llama 3.1's rule: low frequencies are divided by `factor`, high ones stay, those between are blended
    /// (`_compute_llama3_parameters` of transformers, `modeling_rope_utils.py`).
    Llama3 {
        /// Divisor of the low frequencies.
        factor: f32,
        /// Wavelengths above `original_positions / low_freq_factor` are low.
        low_freq_factor: f32,
        /// Wavelengths below `original_positions / high_freq_factor` are high.
        high_freq_factor: f32,
        /// Context length of the first training.
        original_positions: usize,
    },
    /// A divisor for each of the `head_dim / 2` frequencies: how GGUF stores the rule above (`rope_freqs.weight`).
    Divisors(Vec<f32>),
}

/// Which linear layers carry a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Biases {
    /// `q_proj`, `k_proj` and `v_proj`.
    pub qkv: bool,
    /// `o_proj`.
    pub output: bool,
    /// `gate_proj`, `up_proj` and `down_proj`.
    pub mlp: bool,
}

/// Shape and constants of a decoder. [`Config::check`] holds for every value this crate hands out or accepts.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The architecture family.
    pub family: &'static Family,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width inside the feed-forward block.
    pub intermediate: usize,
    /// Number of blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of a head; even.
    pub head_dim: usize,
    /// Entries of the vocabulary, padding included.
    pub vocab: usize,
    /// Longest context the model was trained for.
    pub max_positions: usize,
    /// ε of `RMSNorm`.
    pub rms_norm_eps: f64,
    /// Base θ of the rotary frequencies.
    pub rope_theta: f32,
    /// How they are stretched.
    pub rope_scaling: RopeScaling,
    /// The output head is the embedding.
    pub tied: bool,
    /// Which linears carry a bias.
    pub biases: Biases,
    /// Token that begins a text, where the model has one.
    pub bos: Option<u32>,
    /// Tokens that end a text.
    pub eos: Vec<u32>,
}

/// No dimension of a real model comes near this; it keeps every product of two of them within `u64`.
const DIM_LIMIT: usize = 1 << 24;

impl Config {
    /// Reads `config.json` of a model folder, and the end tokens that `generation_config.json` adds, where there is one.
    ///
    /// # Errors
    /// When a file cannot be read, or as of [`Config::from_hf_json`].
    pub fn from_folder(folder: &Path) -> Result<Self> {
        let path = folder.join("config.json");
        if !path.is_file() {
            return Err(Error::NotAModel { path: folder.to_owned() });
        }
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, e))?;
        let mut config = Self::from_hf_json(&text).map_err(|e| e.in_file(&path))?;
        let path = folder.join("generation_config.json");
        if path.is_file() {
            let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, e))?;
            for id in hf::end_tokens(&text).map_err(|e| e.in_file(&path))? {
                if !config.eos.contains(&id) {
                    config.eos.push(id);
                }
            }
        }
        Ok(config)
    }

    /// Width of all query heads together.
    pub fn q_width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Width of all key heads together.
    pub fn kv_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// Number of weights, the tied head counted once.
    pub fn parameters(&self) -> u64 {
        crate::decoder::tensors(self).iter().map(|(_, shape)| shape.iter().map(|d| *d as u64).product::<u64>()).sum()
    }

    /// Checks what the fields promise.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] names the first value that makes no sense.
    pub fn check(&self) -> Result<()> {
        let dims = [
            ("hidden_size", self.hidden),
            ("intermediate_size", self.intermediate),
            ("num_attention_heads", self.heads),
            ("num_key_value_heads", self.kv_heads),
            ("head_dim", self.head_dim),
            ("vocab_size", self.vocab),
            ("max_position_embeddings", self.max_positions),
        ];
        for (key, value) in dims {
            if value == 0 || value > DIM_LIMIT {
                return invalid(key, format!("{value} is not within 1 and {DIM_LIMIT}"));
            }
        }
        if self.layers == 0 || self.layers > 4096 {
            return invalid("num_hidden_layers", format!("{} is not within 1 and 4096", self.layers));
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            return invalid("num_key_value_heads", format!("{} does not divide the {} attention heads", self.kv_heads, self.heads));
        }
        if !self.head_dim.is_multiple_of(2) {
            return invalid("head_dim", format!("{} is odd, rotary positions turn pairs", self.head_dim));
        }
        if !(self.rms_norm_eps.is_finite() && self.rms_norm_eps > 0.0) {
            return invalid("rms_norm_eps", format!("{} is not positive", self.rms_norm_eps));
        }
        if !(self.rope_theta.is_finite() && self.rope_theta > 0.0) {
            return invalid("rope_theta", format!("{} is not positive", self.rope_theta));
        }
        self.check_scaling()
    }

    fn check_scaling(&self) -> Result<()> {
        let positive = |v: f32| v.is_finite() && v > 0.0;
        match &self.rope_scaling {
            RopeScaling::None => Ok(()),
            RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_positions } => {
                if !positive(*factor) || !positive(*low_freq_factor) || *original_positions == 0 {
                    return invalid("rope_scaling", "a factor is not positive".to_owned());
                }
                if !(high_freq_factor.is_finite() && high_freq_factor > low_freq_factor) {
                    return invalid("rope_scaling", format!("high_freq_factor {high_freq_factor} is not above {low_freq_factor}"));
                }
                Ok(())
            }
            RopeScaling::Divisors(divisors) => {
                if divisors.len() != self.head_dim / 2 || !divisors.iter().all(|v| positive(*v)) {
                    return invalid("rope_freqs.weight", format!("needs {} positive values", self.head_dim / 2));
                }
                Ok(())
            }
        }
    }

    /// The `head_dim / 2` rotary frequencies in radians a position, scaled; in f32 like the reference implementation's.
    pub fn rope_frequencies(&self) -> Vec<f32> {
        let plain = (0..self.head_dim / 2).map(|i| 1.0 / self.rope_theta.powf((2 * i) as f32 / self.head_dim as f32));
        plain.zip(self.rope_divisors()).map(|(frequency, divisor)| frequency / divisor).collect()
    }

    /// What each plain frequency is divided by; all ones without scaling.
    pub fn rope_divisors(&self) -> Vec<f32> {
        let half = self.head_dim / 2;
        match &self.rope_scaling {
            RopeScaling::None => vec![1.0; half],
            RopeScaling::Divisors(divisors) => divisors.clone(),
            RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_positions } => {
                let original = *original_positions as f32;
                let divisor = |i: usize| {
                    let wavelength = 2.0 * std::f32::consts::PI * self.rope_theta.powf((2 * i) as f32 / self.head_dim as f32);
                    if wavelength < original / high_freq_factor {
                        1.0
                    } else if wavelength > original / low_freq_factor {
                        *factor
                    } else {
                        let smooth = (original / wavelength - low_freq_factor) / (high_freq_factor - low_freq_factor);
                        1.0 / ((1.0 - smooth) / factor + smooth)
                    }
                };
                (0..half).map(divisor).collect()
            }
        }
    }
}

fn invalid<T>(key: &str, reason: String) -> Result<T> {
    Err(Error::InvalidConfig { key: key.to_owned(), reason })
}
