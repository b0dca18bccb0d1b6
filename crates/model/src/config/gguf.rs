//! GGUF metadata to [`Config`] and back (keys of ggml's `docs/gguf.md`).

use super::{Biases, Config, RopeScaling};
use crate::arch::{FAMILIES, Family};
use crate::gguf::{Header, Metadata, Value};
use crate::quant::Format;
use crate::{Error, Result};

impl Config {
    /// Reads the configuration that a GGUF header states. `divisors` is the content of `rope_freqs.weight`, where the file has that tensor.
    pub(crate) fn from_gguf(header: &Header, divisors: Option<Vec<f32>>) -> Result<Self> {
        let metadata = &header.metadata;
        let family = family(metadata)?;
        let keys = Keys { metadata, prefix: family.gguf };
        keys.refuse_what_is_not_done()?;
        let hidden = keys.size("embedding_length")?;
        let heads = keys.size("attention.head_count")?;
        let shape = |name: &str| header.tensor(name).map(|t| t.shape.as_slice());
        let has = |name: &str| header.tensor(name).is_some();
        let embedding = shape("token_embd.weight").ok_or_else(|| Error::MissingTensor { name: "token_embd.weight".to_owned() })?;
        let head_dim = keys.optional("attention.key_length").unwrap_or(hidden / heads.max(1));
        keys.whole_head_turns(head_dim)?;
        let config = Self {
            family,
            hidden,
            intermediate: keys.size("feed_forward_length")?,
            layers: keys.size("block_count")?,
            heads,
            kv_heads: keys.optional("attention.head_count_kv").unwrap_or(heads),
            head_dim,
            vocab: embedding[0],
            max_positions: keys.size("context_length")?,
            rms_norm_eps: f64::from(keys.float("attention.layer_norm_rms_epsilon")?),
            // The value of files older than the key, as in llama.cpp.
            rope_theta: keys.optional_float("rope.freq_base").unwrap_or(10_000.0),
            rope_scaling: divisors.map_or(RopeScaling::None, RopeScaling::Divisors),
            tied: !has("output.weight"),
            biases: Biases { qkv: has("blk.0.attn_q.bias"), output: has("blk.0.attn_output.bias"), mlp: has("blk.0.ffn_down.bias") },
            bos: metadata.get_u32("tokenizer.ggml.bos_token_id"),
            eos: END_TOKENS.iter().filter_map(|key| metadata.get_u32(key)).collect(),
        };
        config.check()?;
        Ok(config)
    }

    /// The metadata that llama.cpp needs to know the shape of a model whose matrices are stored as `format`; nothing of the tokenizer but
    /// the ids of the special tokens.
    pub(crate) fn to_gguf(&self, format: Format) -> Metadata {
        let mut out = Metadata::new();
        let word = |text: &str| Value::String(text.to_owned());
        out.insert("general.architecture", word(self.family.gguf));
        out.insert("general.type", word("model"));
        out.insert("general.file_type", Value::U32(file_type(format)));
        out.insert("general.quantization_version", Value::U32(2));
        let numbers = [
            ("embedding_length", self.hidden),
            ("feed_forward_length", self.intermediate),
            ("block_count", self.layers),
            ("attention.head_count", self.heads),
            ("attention.head_count_kv", self.kv_heads),
            ("attention.key_length", self.head_dim),
            ("attention.value_length", self.head_dim),
            ("rope.dimension_count", self.head_dim),
            ("context_length", self.max_positions),
            ("vocab_size", self.vocab),
        ];
        for (key, value) in numbers {
            out.insert(format!("{}.{key}", self.family.gguf), Value::U32(value as u32));
        }
        out.insert(format!("{}.attention.layer_norm_rms_epsilon", self.family.gguf), Value::F32(self.rms_norm_eps as f32));
        out.insert(format!("{}.rope.freq_base", self.family.gguf), Value::F32(self.rope_theta));
        if let Some(bos) = self.bos {
            out.insert("tokenizer.ggml.bos_token_id", Value::U32(bos));
        }
        for (key, id) in END_TOKENS.iter().zip(&self.eos) {
            out.insert(*key, Value::U32(*id));
        }
        out
    }
}

/// Where GGUF keeps the tokens that end a text, the chief one first.
const END_TOKENS: &[&str] = &["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"];

/// `general.file_type` (`llama_ftype` of llama.cpp).
fn file_type(format: Format) -> u32 {
    match format {
        Format::F32 => 0,
        Format::F16 => 1,
        Format::Q4_0 => 2,
        Format::Q8_0 => 7,
        Format::Q4K => 14,
    }
}

fn family(metadata: &Metadata) -> Result<&'static Family> {
    let word = metadata.get_str("general.architecture").ok_or_else(|| missing("general.architecture"))?;
    let known = FAMILIES.iter().find(|f| f.gguf == word);
    known.copied().ok_or_else(|| Error::UnsupportedArchitecture { found: word.to_owned() })
}

/// The keys of one architecture: `llama.` and the rest.
struct Keys<'a> {
    metadata: &'a Metadata,
    prefix: &'static str,
}

impl Keys<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    fn optional(&self, name: &str) -> Option<usize> {
        self.metadata.get_u32(&self.key(name)).map(|v| v as usize)
    }

    fn size(&self, name: &str) -> Result<usize> {
        self.optional(name).ok_or_else(|| missing(&self.key(name)))
    }

    fn optional_float(&self, name: &str) -> Option<f32> {
        self.metadata.get_f32(&self.key(name))
    }

    fn float(&self, name: &str) -> Result<f32> {
        self.optional_float(name).ok_or_else(|| missing(&self.key(name)))
    }

    fn refuse_what_is_not_done(&self) -> Result<()> {
        let scaling = self.key("rope.scaling.type");
        if let Some(kind) = self.metadata.get_str(&scaling).filter(|kind| *kind != "none") {
            return unsupported(scaling, kind, "none, or the divisors in rope_freqs.weight");
        }
        if let Some(experts) = self.optional("expert_count").filter(|n| *n > 0) {
            return unsupported(self.key("expert_count"), &experts.to_string(), "0: no mixture of experts");
        }
        let window = self.optional("attention.sliding_window").filter(|n| *n > 0 && Some(*n) < self.optional("context_length"));
        match window {
            Some(window) => unsupported(self.key("attention.sliding_window"), &window.to_string(), "full attention"),
            None => Ok(()),
        }
    }

    fn whole_head_turns(&self, head_dim: usize) -> Result<()> {
        match self.optional("rope.dimension_count").filter(|n| *n != head_dim) {
            Some(n) => unsupported(self.key("rope.dimension_count"), &n.to_string(), &format!("the whole head, {head_dim}")),
            None => Ok(()),
        }
    }
}

fn missing(key: &str) -> Error {
    Error::MissingKey { key: key.to_owned() }
}

fn unsupported<T>(key: String, value: &str, supported: &str) -> Result<T> {
    Err(Error::UnsupportedConfig { key, value: value.to_owned(), supported: supported.to_owned() })
}
