//! `config.json` of an encoder as written, and what it means in every family; what only one family has stands in that family's file.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::config::{Config, FirstPosition, invalid};
use super::{Activation, FAMILIES, Family};
use crate::{Error, Result};

/// The file as written: only the keys that matter here, the rest is other programs' business.
#[derive(Deserialize)]
pub(super) struct Written {
    model_type: Option<String>,
    pub(super) hidden_size: Option<usize>,
    intermediate_size: Option<usize>,
    num_hidden_layers: Option<usize>,
    num_attention_heads: Option<usize>,
    pub(super) attention_head_size: Option<usize>,
    vocab_size: Option<usize>,
    max_position_embeddings: Option<usize>,
    type_vocab_size: Option<usize>,
    layer_norm_eps: Option<f64>,
    hidden_act: Option<String>,
    pub(super) pad_token_id: Option<u32>,
    position_embedding_type: Option<String>,
    is_decoder: Option<bool>,
    problem_type: Option<String>,
    id2label: Option<BTreeMap<String, String>>,
    num_labels: Option<usize>,
    // DeBERTa's own.
    pub(super) embedding_size: Option<usize>,
    pub(super) position_biased_input: Option<bool>,
    pub(super) relative_attention: Option<bool>,
    pub(super) max_relative_positions: Option<i64>,
    pub(super) position_buckets: Option<i64>,
    pub(super) share_att_key: Option<bool>,
    pub(super) pos_att_type: Option<OneOrMany>,
    pub(super) norm_rel_ebd: Option<String>,
    pub(super) conv_kernel_size: Option<usize>,
    pub(super) conv_groups: Option<usize>,
    pub(super) conv_act: Option<String>,
    pub(super) pooler_hidden_act: Option<String>,
}

/// Words in a list, or in one text with bars between them.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn words(&self) -> Vec<String> {
        match self {
            Self::One(text) => bars(text),
            Self::Many(words) => words.clone(),
        }
    }
}

/// The words of a text with bars between them.
pub(super) fn bars(text: &str) -> Vec<String> {
    text.to_lowercase().split('|').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}

impl Written {
    pub(super) fn mean(&self) -> Result<Config> {
        let family = family(self.model_type.as_deref())?;
        self.refuse_what_is_not_done()?;
        let hidden = need(self.hidden_size, "hidden_size")?;
        let heads = need(self.num_attention_heads, "num_attention_heads")?;
        let mut config = Config {
            family,
            hidden,
            embedding: hidden,
            intermediate: need(self.intermediate_size, "intermediate_size")?,
            layers: need(self.num_hidden_layers, "num_hidden_layers")?,
            heads,
            head_dim: even_share(hidden, heads)?,
            vocab: need(self.vocab_size, "vocab_size")?,
            types: need(self.type_vocab_size, "type_vocab_size")?,
            max_positions: need(self.max_position_embeddings, "max_position_embeddings")?,
            embeds_positions: true,
            first_position: FirstPosition::Zero,
            norm_eps: need(self.layer_norm_eps, "layer_norm_eps")?,
            activation: Activation::named("hidden_act", need(self.hidden_act.as_deref(), "hidden_act")?)?,
            pooler_activation: Activation::Tanh,
            relative: None,
            conv: None,
            labels: self.labels()?,
        };
        (family.finish)(self, &mut config)?;
        Ok(config)
    }

    fn refuse_what_is_not_done(&self) -> Result<()> {
        if let Some(kind) = self.position_embedding_type.as_deref().filter(|kind| *kind != "absolute") {
            return unsupported("position_embedding_type", kind, "absolute");
        }
        if self.is_decoder == Some(true) {
            return unsupported("is_decoder", "true", "false");
        }
        match self.problem_type.as_deref() {
            Some(kind) if kind != "single_label_classification" => unsupported("problem_type", kind, "single_label_classification"),
            _ => Ok(()),
        }
    }

    /// In the order of their numbers, which must be 0, 1, 2 and so on.
    fn labels(&self) -> Result<Vec<String>> {
        let Some(written) = &self.id2label else {
            // As transformers names what has no name.
            let count = self.num_labels.unwrap_or(2);
            return if count > 4096 {
                invalid("num_labels", format!("{count} are more than 4096"))
            } else {
                Ok((0..count).map(|i| format!("LABEL_{i}")).collect())
            };
        };
        let label = |i: usize| match written.get(&i.to_string()) {
            Some(label) => Ok(label.clone()),
            None => invalid("id2label", format!("{} labels, none of them of the number {i}", written.len())),
        };
        (0..written.len()).map(label).collect()
    }
}

fn family(model_type: Option<&str>) -> Result<&'static Family> {
    let word = need(model_type, "model_type")?;
    let known = FAMILIES.iter().find(|family| family.model_types.contains(&word));
    known.copied().ok_or_else(|| Error::UnsupportedEncoder { found: word.to_owned() })
}

fn even_share(hidden: usize, heads: usize) -> Result<usize> {
    if heads == 0 || !hidden.is_multiple_of(heads) {
        return invalid("num_attention_heads", format!("{heads} heads do not divide the hidden size {hidden}"));
    }
    Ok(hidden / heads)
}

pub(super) fn need<T>(value: Option<T>, key: &str) -> Result<T> {
    value.ok_or_else(|| Error::MissingKey { key: key.to_owned() })
}

pub(super) fn unsupported<T>(key: &str, value: &str, supported: &str) -> Result<T> {
    Err(Error::UnsupportedConfig { key: key.to_owned(), value: value.to_owned(), supported: supported.to_owned() })
}
