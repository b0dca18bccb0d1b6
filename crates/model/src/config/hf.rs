//! `config.json` of Hugging Face, as written by transformers 4 and 5, to [`Config`] and back.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Biases, Config, RopeScaling};
use crate::arch::{FAMILIES, Family};
use crate::{Error, Result};

/// The file as written: only the keys that matter here, the rest is other programs' business.
#[derive(Deserialize)]
struct Written {
    model_type: Option<String>,
    hidden_size: Option<usize>,
    intermediate_size: Option<usize>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<usize>,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    vocab_size: Option<usize>,
    max_position_embeddings: Option<usize>,
    rms_norm_eps: Option<f64>,
    rope_theta: Option<f32>,
    rope_scaling: Option<Rope>,
    rope_parameters: Option<Rope>,
    hidden_act: Option<String>,
    tie_word_embeddings: Option<bool>,
    attention_bias: Option<bool>,
    mlp_bias: Option<bool>,
    use_sliding_window: Option<bool>,
    layer_types: Option<Vec<String>>,
    bos_token_id: Option<u32>,
    eos_token_id: Option<OneOrMany>,
    quantization_config: Option<Quantised>,
}

/// Of `quantization_config`, as GPTQ, AWQ, compressed-tensors and bitsandbytes write it.
#[derive(Deserialize)]
struct Quantised {
    quant_method: Option<String>,
}

/// `rope_scaling` (transformers 4) or `rope_parameters` (transformers 5, which moved `rope_theta` into it).
#[derive(Deserialize)]
struct Rope {
    #[serde(rename = "rope_type")]
    kind: Option<String>,
    #[serde(rename = "type")]
    old_kind: Option<String>,
    #[serde(rename = "rope_theta")]
    theta: Option<f32>,
    factor: Option<f32>,
    low_freq_factor: Option<f32>,
    high_freq_factor: Option<f32>,
    original_max_position_embeddings: Option<usize>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(u32),
    Many(Vec<u32>),
}

impl OneOrMany {
    fn list(written: Option<Self>) -> Vec<u32> {
        match written {
            None => Vec::new(),
            Some(Self::One(id)) => vec![id],
            Some(Self::Many(ids)) => ids,
        }
    }
}

/// The end tokens of a `generation_config.json`.
pub(super) fn end_tokens(text: &str) -> Result<Vec<u32>> {
    #[derive(Deserialize)]
    struct Generation {
        eos_token_id: Option<OneOrMany>,
    }
    let written: Generation = serde_json::from_str(text).map_err(|e| Error::json(text, &e))?;
    Ok(OneOrMany::list(written.eos_token_id))
}

impl Config {
    /// Reads the text of a `config.json`.
    ///
    /// # Errors
    /// When it is no JSON of that shape, names another architecture, asks for what the decoder does not do, lacks a key or has
    /// a value that makes no sense.
    pub fn from_hf_json(text: &str) -> Result<Self> {
        let written: Written = serde_json::from_str(text).map_err(|e| Error::json(text, &e))?;
        let config = written.mean()?;
        config.check()?;
        Ok(config)
    }

    /// The `config.json` that transformers reads, for weights stored as `dtype` (`float16`, `float32`, `bfloat16`).
    ///
    /// # Errors
    /// [`Error::UnsupportedConfig`] for frequencies stretched one by one: `config.json` cannot say that.
    pub fn to_hf_json(&self, dtype: &str) -> Result<Value> {
        let eos = match self.eos.as_slice() {
            [] => Value::Null,
            [one] => json!(one),
            many => json!(many),
        };
        Ok(json!({
            "architectures": [self.family.class],
            "model_type": self.family.model_type,
            "hidden_size": self.hidden,
            "intermediate_size": self.intermediate,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_dim,
            "vocab_size": self.vocab,
            "max_position_embeddings": self.max_positions,
            "rms_norm_eps": self.rms_norm_eps,
            "rope_theta": self.rope_theta,
            "rope_scaling": scaling_json(&self.rope_scaling)?,
            "hidden_act": "silu",
            "tie_word_embeddings": self.tied,
            "attention_bias": self.biases.qkv,
            "mlp_bias": self.biases.mlp,
            "bos_token_id": self.bos,
            "eos_token_id": eos,
            "torch_dtype": dtype,
        }))
    }
}

impl Written {
    fn mean(self) -> Result<Config> {
        let family = family(self.model_type.as_deref())?;
        self.refuse_what_is_not_done()?;
        let hidden = need(self.hidden_size, "hidden_size")?;
        let heads = need(self.num_attention_heads, "num_attention_heads")?;
        let qkv = family.qkv_bias.unwrap_or(self.attention_bias == Some(true));
        let rope = self.rope_parameters.or(self.rope_scaling);
        let inner_theta = rope.as_ref().and_then(|r| r.theta);
        Ok(Config {
            family,
            hidden,
            intermediate: need(self.intermediate_size, "intermediate_size")?,
            layers: need(self.num_hidden_layers, "num_hidden_layers")?,
            heads,
            kv_heads: self.num_key_value_heads.unwrap_or(heads),
            head_dim: match self.head_dim {
                Some(dim) => dim,
                None => even_share(hidden, heads)?,
            },
            vocab: need(self.vocab_size, "vocab_size")?,
            max_positions: need(self.max_position_embeddings, "max_position_embeddings")?,
            rms_norm_eps: need(self.rms_norm_eps, "rms_norm_eps")?,
            // Files older than the key mean the value of the paper that introduced rotary positions.
            rope_theta: inner_theta.or(self.rope_theta).unwrap_or(10_000.0),
            rope_scaling: rope.map_or(Ok(RopeScaling::None), Rope::mean)?,
            tied: self.tie_word_embeddings.unwrap_or(false),
            biases: Biases { qkv, output: qkv && family.qkv_bias.is_none(), mlp: self.mlp_bias == Some(true) },
            bos: self.bos_token_id,
            eos: OneOrMany::list(self.eos_token_id),
        })
    }

    fn refuse_what_is_not_done(&self) -> Result<()> {
        if let Some(act) = self.hidden_act.as_deref().filter(|act| *act != "silu") {
            return unsupported("hidden_act", act, "silu");
        }
        if self.use_sliding_window == Some(true) {
            return unsupported("use_sliding_window", "true", "full attention (use_sliding_window = false)");
        }
        if let Some(Quantised { quant_method }) = &self.quantization_config {
            let method = quant_method.as_deref().unwrap_or("not told");
            return unsupported("quantization_config.quant_method", method, "a dense safetensors folder, or a GGUF file");
        }
        let mut kinds = self.layer_types.iter().flatten();
        match kinds.find(|kind| *kind != "full_attention") {
            Some(kind) => unsupported("layer_types", kind, "full_attention"),
            None => Ok(()),
        }
    }
}

impl Rope {
    fn mean(self) -> Result<RopeScaling> {
        let kind = self.kind.or(self.old_kind).unwrap_or_else(|| "default".to_owned());
        match kind.as_str() {
            "default" => Ok(RopeScaling::None),
            "llama3" => Ok(RopeScaling::Llama3 {
                factor: need(self.factor, "rope_scaling.factor")?,
                low_freq_factor: need(self.low_freq_factor, "rope_scaling.low_freq_factor")?,
                high_freq_factor: need(self.high_freq_factor, "rope_scaling.high_freq_factor")?,
                original_positions: need(self.original_max_position_embeddings, "rope_scaling.original_max_position_embeddings")?,
            }),
            other => unsupported("rope_scaling.rope_type", other, "default, llama3"),
        }
    }
}

fn family(model_type: Option<&str>) -> Result<&'static Family> {
    let word = need(model_type, "model_type")?;
    let known = FAMILIES.iter().find(|f| f.model_type == word);
    known.copied().ok_or_else(|| Error::UnsupportedArchitecture { found: word.to_owned() })
}

fn scaling_json(scaling: &RopeScaling) -> Result<Value> {
    match scaling {
        RopeScaling::None => Ok(Value::Null),
        RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_positions } => Ok(json!({
            "rope_type": "llama3",
            "factor": factor,
            "low_freq_factor": low_freq_factor,
            "high_freq_factor": high_freq_factor,
            "original_max_position_embeddings": original_positions,
        })),
        RopeScaling::Divisors(_) => unsupported("rope_freqs.weight", "a divisor a frequency", "none, llama3"),
    }
}

fn even_share(hidden: usize, heads: usize) -> Result<usize> {
    if heads == 0 || !hidden.is_multiple_of(heads) {
        let reason = format!("{heads} heads do not divide the hidden size {hidden}, and there is no head_dim");
        return Err(Error::InvalidConfig { key: "num_attention_heads".to_owned(), reason });
    }
    Ok(hidden / heads)
}

fn need<T>(value: Option<T>, key: &str) -> Result<T> {
    value.ok_or_else(|| Error::MissingKey { key: key.to_owned() })
}

fn unsupported<T>(key: &str, value: &str, supported: &str) -> Result<T> {
    Err(Error::UnsupportedConfig { key: key.to_owned(), value: value.to_owned(), supported: supported.to_owned() })
}
