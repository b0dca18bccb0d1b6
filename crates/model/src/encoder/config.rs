//! The shape, constants and labels of an encoder: `config.json` as one checked type.

use std::path::Path;

use super::written::Written;
use super::{Activation, Family};
use crate::{Error, Result};

/// Shape and constants of an encoder with a classification head. [`Config::check`] holds for every value this crate hands out.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The architecture family.
    pub family: &'static Family,
    /// Width of the residual stream.
    pub hidden: usize,
    /// Width of the embeddings.
    pub embedding: usize,
    /// Width inside the feed-forward part.
    pub intermediate: usize,
    /// Number of layers.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Entries of the vocabulary.
    pub vocab: usize,
    /// Token types; 0 or 1 where the model does not tell the two texts of a pair apart by them.
    pub types: usize,
    /// `max_position_embeddings`.
    pub max_positions: usize,
    /// Whether positions are embedded (they are not where attention is relative only).
    pub embeds_positions: bool,
    /// The number of the first position.
    pub first_position: FirstPosition,
    /// ε of the layer norms.
    pub norm_eps: f64,
    /// Inside the feed-forward part.
    pub activation: Activation,
    /// After the dense layer of the head.
    pub pooler_activation: Activation,
    /// Attention by relative positions.
    pub relative: Option<Relative>,
    /// The convolution beside the first layer.
    pub conv: Option<Conv>,
    /// What each logit stands for, as `id2label` has it; `LABEL_0` and so on where it has not.
    pub labels: Vec<String>,
}

/// Where positions begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstPosition {
    /// At 0.
    Zero,
    /// After the number of the padding token, which stands for padding here too.
    AfterPad(u32),
}

/// DeBERTa's relative attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relative {
    /// Half the rows of the position tables: distances or buckets each way.
    pub span: usize,
    /// The distance at which the last bucket ends, where far distances share rows in logarithmic steps; `None` where each has its own.
    pub buckets_to: Option<usize>,
    /// Whether positions go through the projections of the content (`share_att_key`).
    pub shared: bool,
    /// Whether the position table is layer-normed.
    pub normed: bool,
    /// The products with positions that a score has beside that of the contents.
    pub terms: Vec<Term>,
}

/// A product with positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// Of the query's content with the position (`c2p`).
    ContentToPosition,
    /// Of the position with the key's content (`p2c`).
    PositionToContent,
}

/// The convolution of DeBERTa-v2-xlarge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Tokens it spans; odd.
    pub kernel: usize,
    /// After it.
    pub activation: Activation,
}

/// No dimension of a real model comes near this.
const DIM_LIMIT: usize = 1 << 24;

impl Config {
    /// Reads `config.json` of a model folder.
    ///
    /// # Errors
    /// When there is none, or as of [`Config::from_json`].
    pub fn from_folder(folder: &Path) -> Result<Self> {
        let path = folder.join("config.json");
        if !path.is_file() {
            return Err(Error::NotAModel { path: folder.to_owned() });
        }
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, e))?;
        Self::from_json(&text).map_err(|e| e.in_file(&path))
    }

    /// Reads the text of a `config.json`.
    ///
    /// # Errors
    /// When it is no JSON of that shape, names another architecture, asks for what is not done here, lacks a key or has a value that
    /// makes no sense.
    pub fn from_json(text: &str) -> Result<Self> {
        let written: Written = serde_json::from_str(text).map_err(|e| Error::json(text, &e))?;
        let config = written.mean()?;
        config.check()?;
        Ok(config)
    }

    /// The most tokens of a sequence, those that frame the texts included.
    pub fn max_length(&self) -> usize {
        match self.first_position {
            FirstPosition::Zero => self.max_positions,
            FirstPosition::AfterPad(pad) => self.max_positions - pad as usize - 1,
        }
    }

    /// Width of all heads together.
    pub fn width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Checks what the fields promise.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] names the first value that makes no sense.
    pub fn check(&self) -> Result<()> {
        let span = self.relative.as_ref().map_or(1, |relative| relative.span);
        let dims = [
            ("hidden_size", self.hidden),
            ("embedding_size", self.embedding),
            ("intermediate_size", self.intermediate),
            ("num_attention_heads", self.heads),
            ("attention_head_size", self.head_dim),
            ("vocab_size", self.vocab),
            ("max_position_embeddings", self.max_positions),
            ("position_buckets", span),
            ("id2label", self.labels.len()),
        ];
        for (key, value) in dims {
            if value == 0 || value > DIM_LIMIT {
                return invalid(key, format!("{value} is not within 1 and {DIM_LIMIT}"));
            }
        }
        if self.layers == 0 || self.layers > 4096 {
            return invalid("num_hidden_layers", format!("{} is not within 1 and 4096", self.layers));
        }
        if self.types > DIM_LIMIT {
            return invalid("type_vocab_size", format!("{} is more than {DIM_LIMIT}", self.types));
        }
        if !(self.norm_eps.is_finite() && self.norm_eps > 0.0) {
            return invalid("layer_norm_eps", format!("{} is not positive", self.norm_eps));
        }
        match self.first_position {
            FirstPosition::AfterPad(pad) if pad as usize + 1 >= self.max_positions => {
                invalid("pad_token_id", format!("{pad} leaves no position of {}", self.max_positions))
            }
            _ => self.check_relative(),
        }
    }

    fn check_relative(&self) -> Result<()> {
        match (&self.relative, &self.conv) {
            (Some(Relative { buckets_to: Some(last), span, .. }), _) if *span < 4 || *last < span / 2 + 2 => {
                invalid("position_buckets", format!("{span} buckets do not fit {last} positions"))
            }
            (_, Some(Conv { kernel, .. })) if kernel.is_multiple_of(2) || *kernel > 4096 => {
                invalid("conv_kernel_size", format!("{kernel} is not odd and below 4096"))
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn invalid<T>(key: &str, reason: String) -> Result<T> {
    Err(Error::InvalidConfig { key: key.to_owned(), reason })
}
