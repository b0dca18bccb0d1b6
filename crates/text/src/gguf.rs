//! The tokenizer as GGUF metadata holds it: plain values, in and out. The file itself is read and written by others; they
//! look keys up and hand values over.

mod build;
mod convert;
mod values;

pub use values::MetadataValue;

use crate::{Error, Result};

/// What kind of token an entry is (`tokenizer.ggml.token_type`), by llama.cpp's numbers.
pub(crate) mod token_type {
    pub(crate) const NORMAL: i32 = 1;
    pub(crate) const UNKNOWN: i32 = 2;
    pub(crate) const CONTROL: i32 = 3;
    pub(crate) const USER_DEFINED: i32 = 4;
    pub(crate) const UNUSED: i32 = 5;
    pub(crate) const BYTE: i32 = 6;
}

/// The tokenizer and chat template of a GGUF file. Field by field the `tokenizer.*` keys of the format's specification.
#[derive(Clone, Debug, PartialEq)]
pub struct GgufVocabulary {
    /// `tokenizer.ggml.model`: `gpt2` (byte-level BPE) or `llama` (`SentencePiece` BPE with byte fallback).
    pub model: String,
    /// `tokenizer.ggml.pre`: how text is cut into words, for `gpt2`.
    pub pre: Option<String>,
    /// `tokenizer.ggml.tokens`: the entry of each id.
    pub tokens: Vec<String>,
    /// `tokenizer.ggml.token_type`: one number a token; without it all are normal.
    pub types: Option<Vec<i32>>,
    /// `tokenizer.ggml.scores`: one number a token, higher merges first, for `llama`.
    pub scores: Option<Vec<f32>>,
    /// `tokenizer.ggml.merges`: pairs parted by a space, first merges first, for `gpt2`.
    pub merges: Option<Vec<String>>,
    /// `tokenizer.ggml.bos_token_id`.
    pub bos: Option<u32>,
    /// `tokenizer.ggml.eos_token_id`.
    pub eos: Option<u32>,
    /// `tokenizer.ggml.eot_token_id`: end of a turn, where it is another token.
    pub eot: Option<u32>,
    /// `tokenizer.ggml.eom_token_id`: end of a message that calls a tool.
    pub eom: Option<u32>,
    /// `tokenizer.ggml.unknown_token_id`.
    pub unknown: Option<u32>,
    /// `tokenizer.ggml.padding_token_id`.
    pub padding: Option<u32>,
    /// `tokenizer.ggml.add_bos_token`.
    pub add_bos: Option<bool>,
    /// `tokenizer.ggml.add_space_prefix`: whether `llama` puts a space before a text.
    pub add_space_prefix: Option<bool>,
    /// `tokenizer.chat_template`.
    pub chat_template: Option<String>,
}

impl GgufVocabulary {
    /// Reads the keys that a tokenizer needs through a look-up in the file's metadata.
    ///
    /// # Errors
    ///
    /// [`Error::Metadata`] when a key is missing that must be there, is of another type, or when lengths and ids do not
    /// agree.
    pub fn read(lookup: impl Fn(&str) -> Option<MetadataValue>) -> Result<Self> {
        let keys = values::Keys(&lookup);
        let required = |key: &'static str| Error::Metadata { key, reason: "missing".to_owned() };
        let vocabulary = Self {
            model: keys.string("tokenizer.ggml.model")?.ok_or_else(|| required("tokenizer.ggml.model"))?,
            pre: keys.string("tokenizer.ggml.pre")?,
            tokens: keys.strings("tokenizer.ggml.tokens")?.ok_or_else(|| required("tokenizer.ggml.tokens"))?,
            types: keys.integers("tokenizer.ggml.token_type")?,
            scores: keys.floats("tokenizer.ggml.scores")?,
            merges: keys.strings("tokenizer.ggml.merges")?,
            bos: keys.id("tokenizer.ggml.bos_token_id")?,
            eos: keys.id("tokenizer.ggml.eos_token_id")?,
            eot: keys.id("tokenizer.ggml.eot_token_id")?,
            eom: keys.id("tokenizer.ggml.eom_token_id")?,
            unknown: keys.id("tokenizer.ggml.unknown_token_id")?,
            padding: keys.id("tokenizer.ggml.padding_token_id")?,
            add_bos: keys.flag("tokenizer.ggml.add_bos_token")?,
            add_space_prefix: keys.flag("tokenizer.ggml.add_space_prefix")?,
            chat_template: keys.string("tokenizer.chat_template")?,
        };
        vocabulary.check()?;
        Ok(vocabulary)
    }

    /// The metadata to write, in the order of the format's specification.
    pub fn into_entries(self) -> Vec<(&'static str, MetadataValue)> {
        use MetadataValue::{Bool, F32s, I32s, String, Strings, U32};
        [
            Some(("tokenizer.ggml.model", String(self.model))),
            self.pre.map(|pre| ("tokenizer.ggml.pre", String(pre))),
            Some(("tokenizer.ggml.tokens", Strings(self.tokens))),
            self.scores.map(|scores| ("tokenizer.ggml.scores", F32s(scores))),
            self.types.map(|types| ("tokenizer.ggml.token_type", I32s(types))),
            self.merges.map(|merges| ("tokenizer.ggml.merges", Strings(merges))),
            self.bos.map(|id| ("tokenizer.ggml.bos_token_id", U32(id))),
            self.eos.map(|id| ("tokenizer.ggml.eos_token_id", U32(id))),
            self.eot.map(|id| ("tokenizer.ggml.eot_token_id", U32(id))),
            self.eom.map(|id| ("tokenizer.ggml.eom_token_id", U32(id))),
            self.unknown.map(|id| ("tokenizer.ggml.unknown_token_id", U32(id))),
            self.padding.map(|id| ("tokenizer.ggml.padding_token_id", U32(id))),
            self.add_bos.map(|flag| ("tokenizer.ggml.add_bos_token", Bool(flag))),
            self.add_space_prefix.map(|flag| ("tokenizer.ggml.add_space_prefix", Bool(flag))),
            self.chat_template.map(|source| ("tokenizer.chat_template", String(source))),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The type of an entry; normal where the file does not say.
    pub(crate) fn type_of(&self, id: usize) -> i32 {
        self.types.as_ref().map_or(token_type::NORMAL, |types| types[id])
    }

    fn check(&self) -> Result<()> {
        let count = self.tokens.len();
        let lengths = [
            ("tokenizer.ggml.token_type", self.types.as_ref().map(Vec::len)),
            ("tokenizer.ggml.scores", self.scores.as_ref().map(Vec::len)),
        ];
        for (key, length) in lengths {
            if let Some(length) = length.filter(|&length| length != count) {
                return Err(Error::Metadata { key, reason: format!("{length} entries for {count} tokens") });
            }
        }
        let ids = [
            ("tokenizer.ggml.bos_token_id", self.bos),
            ("tokenizer.ggml.eos_token_id", self.eos),
            ("tokenizer.ggml.eot_token_id", self.eot),
            ("tokenizer.ggml.eom_token_id", self.eom),
            ("tokenizer.ggml.unknown_token_id", self.unknown),
        ];
        for (key, id) in ids {
            if let Some(id) = id.filter(|&id| id as usize >= count) {
                return Err(Error::Metadata { key, reason: format!("{id} is beyond the {count} tokens") });
            }
        }
        Ok(())
    }
}
