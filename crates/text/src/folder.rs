//! The JSON files around a tokenizer in a Hugging Face model folder: which tokens begin and end a text, and the chat
//! template. Not the vocabulary itself, which `tokenizer.json` holds.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result, read_optional};

/// `tokenizer_config.json`, as far as it is used.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct TokenizerConfig {
    pub(crate) bos_token: Option<TokenName>,
    pub(crate) eos_token: Option<TokenName>,
    pub(crate) unk_token: Option<TokenName>,
    pub(crate) pad_token: Option<TokenName>,
    pub(crate) chat_template: Option<TemplateForm>,
}

/// A token written as its text, or as an object with flags.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum TokenName {
    Text(String),
    Object { content: String },
}

impl TokenName {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Object { content: text } => text,
        }
    }
}

/// A chat template written as one string, or as a list of named ones.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum TemplateForm {
    One(String),
    Named(Vec<NamedTemplate>),
}

#[derive(Debug, Deserialize)]
pub(crate) struct NamedTemplate {
    pub(crate) name: String,
    pub(crate) template: String,
}

impl TemplateForm {
    /// The template for plain conversations: the one named `default`, as `transformers` chooses it.
    pub(crate) fn plain(self) -> Option<String> {
        match self {
            Self::One(source) => Some(source),
            Self::Named(list) => list.into_iter().find(|entry| entry.name == "default").map(|entry| entry.template),
        }
    }
}

/// `generation_config.json` and `config.json`, as far as they are used.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct TokenIds {
    pub(crate) bos_token_id: Option<OneOrMany>,
    pub(crate) eos_token_id: Option<OneOrMany>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(u32),
    Many(Vec<u32>),
}

impl OneOrMany {
    pub(crate) fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(id) => std::slice::from_ref(id),
            Self::Many(ids) => ids,
        }
    }
}

/// Reads a JSON file of the folder; `None` when there is no such file.
pub(crate) fn read_json<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<T>> {
    let path = folder.join(name);
    let Some(bytes) = read_optional(&path)? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|source| Error::Json { path, source })
}
