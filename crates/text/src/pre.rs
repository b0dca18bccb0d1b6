//! The pre-tokenizers of the two families and their kin, under the names GGUF gives them (`tokenizer.ggml.pre`).
//!
//! Source of names and patterns: `llama-vocab.cpp` of llama.cpp; the patterns equal those of the models' `tokenizer.json`.

use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::SplitDelimiterBehavior;
use tokenizers::{PreTokenizerWrapper, pre_tokenizers};

use crate::{Error, Result};

/// One way to cut text into words before byte-level BPE.
#[derive(Debug)]
pub(crate) struct PreTokenizer {
    /// The GGUF names; the first is the one written.
    pub(crate) names: &'static [&'static str],
    /// Cuts, one after the other.
    pub(crate) patterns: &'static [&'static str],
    /// Whether a word that is an entry as a whole is taken without merging.
    pub(crate) ignore_merges: bool,
    /// Whether text is brought to Unicode's NFC first.
    pub(crate) nfc: bool,
    /// Whether a text begins with the beginning-of-text id when the file does not say.
    pub(crate) add_bos: bool,
}

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// Every known pre-tokenizer.
pub(crate) static PRE_TOKENIZERS: &[PreTokenizer] = &[
    PreTokenizer {
        names: &["llama-bpe", "llama3", "llama-v3"],
        patterns: &[r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"],
        ignore_merges: true,
        nfc: false,
        add_bos: true,
    },
    PreTokenizer {
        names: &["qwen2", "deepseek-r1-qwen"],
        patterns: &[r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"],
        ignore_merges: false,
        nfc: true,
        add_bos: false,
    },
    PreTokenizer { names: &["gpt-2"], patterns: &[GPT2], ignore_merges: false, nfc: false, add_bos: false },
    PreTokenizer { names: &["smollm"], patterns: &[r"\p{N}", GPT2], ignore_merges: false, nfc: false, add_bos: false },
    PreTokenizer {
        names: &["default"],
        patterns: &[
            r"[\p{P}\$\+<=>\^~\|]+",
            r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)",
            r"\p{N}+",
            "[0-9][0-9][0-9]",
        ],
        ignore_merges: false,
        nfc: false,
        add_bos: false,
    },
];

impl PreTokenizer {
    /// By its GGUF name.
    pub(crate) fn named(name: &str) -> Result<&'static Self> {
        PRE_TOKENIZERS.iter().find(|pre| pre.names.contains(&name)).ok_or_else(|| unknown(name))
    }

    /// By the cuts a `tokenizer.json` makes, each a regular expression.
    pub(crate) fn of_patterns(patterns: &[String]) -> Result<&'static Self> {
        let same = |pre: &&Self| pre.patterns.iter().eq(patterns.iter());
        PRE_TOKENIZERS.iter().find(same).ok_or_else(|| unknown(&patterns.join(" then ")))
    }

    /// The pattern that byte-level pre-tokenizers carry of themselves.
    pub(crate) fn built_in_pattern() -> String {
        GPT2.to_owned()
    }

    /// The cuts, then the spelling in GPT-2's byte alphabet.
    pub(crate) fn build(&self) -> Result<PreTokenizerWrapper> {
        let mut steps = Vec::new();
        for pattern in self.patterns {
            let split = Split::new(SplitPattern::Regex((*pattern).to_owned()), SplitDelimiterBehavior::Isolated, false)
                .map_err(|error| Error::Tokenizer { origin: self.names[0].to_owned(), reason: error.to_string() })?;
            steps.push(PreTokenizerWrapper::Split(split));
        }
        steps.push(PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, false)));
        Ok(pre_tokenizers::PreTokenizerWrapper::Sequence(Sequence::new(steps)))
    }
}

fn unknown(name: &str) -> Error {
    let known: Vec<&str> = PRE_TOKENIZERS.iter().flat_map(|pre| pre.names).copied().collect();
    Error::UnknownPreTokenizer { name: name.to_owned(), known: known.join(", ") }
}
