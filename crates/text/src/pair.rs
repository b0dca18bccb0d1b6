//! Pairs of texts to token ids, as cross-encoders take them: both framed by special tokens, each token told to be of the one or the other.
//!
//! Any `tokenizer.json` will do (word pieces, byte-level BPE, sentence pieces): nothing is decoded. What does not fit is cut as
//! transformers cuts it; splitting a long text is for who knows what its pieces mean.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use tokenizers::{Encoding, TruncationDirection, TruncationParams, TruncationStrategy};

use crate::error::{Error, Result, read_optional};
use crate::folder::read_json;
use crate::sound;

/// A tokenizer of pairs.
pub struct PairTokenizer {
    encoder: tokenizers::Tokenizer,
    framing: usize,
    limit: Option<usize>,
    side: TruncationDirection,
}

/// The tokens of one text, unframed.
#[derive(Clone, Debug)]
pub struct Tokens(Encoding);

/// A framed pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Token ids.
    pub ids: Vec<u32>,
    /// 0 or 1 for each: which of the two texts, by the tokenizer's own rules.
    pub types: Vec<u32>,
    /// Tokens of both texts that were cut off.
    pub cut: usize,
}

/// How a pair that is too long is cut, by transformers' names for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truncation {
    /// `only_first`: the first text alone.
    OnlyFirst,
    /// `longest_first`: the longer of the two, until they are of one length; then both.
    LongestFirst,
}

/// `tokenizer_config.json`, as far as it is used.
#[derive(Default, serde::Deserialize)]
struct Limits {
    /// Huge where there is none, and then no integer.
    model_max_length: Option<f64>,
    truncation_side: Option<String>,
}

/// Files of tokenizers that only other programs read.
const SLOW: &[&str] = &["spm.model", "sentencepiece.bpe.model", "spiece.model", "vocab.txt", "vocab.json"];

/// A limit above this stands for none.
const NO_LIMIT: f64 = 1e9;

impl PairTokenizer {
    /// Reads `tokenizer.json` of a model folder, and from `tokenizer_config.json`, which may be absent, how long a pair may be.
    ///
    /// # Errors
    ///
    /// [`Error::SlowTokenizer`] when the folder has a vocabulary in a form that is not read, [`Error::MissingTokenizer`] when it has
    /// none; [`Error::Json`] or [`Error::Tokenizer`] when the files are damaged, [`Error::Unframed`] when pairs are not framed.
    pub fn from_folder(folder: &Path) -> Result<Self> {
        let path = folder.join("tokenizer.json");
        let bytes = read_optional(&path)?.ok_or_else(|| missing(folder))?;
        sound::check_json(&bytes).map_err(|source| Error::Json { path: path.clone(), source })?;
        let origin = path.display().to_string();
        let fail = |reason: String| Error::Tokenizer { origin: origin.clone(), reason };
        let mut encoder = tokenizers::Tokenizer::from_bytes(bytes).map_err(|error| fail(error.to_string()))?;
        encoder.with_padding(None);
        encoder.with_truncation(None).map_err(|error| fail(error.to_string()))?;
        let highest = encoder.get_vocab(true).into_values().max();
        sound::check(encoder.get_post_processor(), highest.map_or(0, |id| id as usize + 1)).map_err(fail)?;
        let framing = encoder.get_post_processor().map_or(0, |processor| tokenizers::PostProcessor::added_tokens(processor, true));
        if framing == 0 {
            return Err(Error::Unframed { path });
        }
        let limits: Limits = read_json(folder, "tokenizer_config.json")?.unwrap_or_default();
        let limit = limits.model_max_length.filter(|limit| (1.0..NO_LIMIT).contains(limit)).map(|limit| limit as usize);
        let left = limits.truncation_side.as_deref() == Some("left");
        let side = if left { TruncationDirection::Left } else { TruncationDirection::Right };
        Ok(Self { encoder, framing, limit, side })
    }

    /// The most tokens of a pair by `model_max_length`, where that is given.
    pub fn limit(&self) -> Option<usize> {
        self.limit
    }

    /// Special tokens put around a pair.
    pub fn framing(&self) -> usize {
        self.framing
    }

    /// The tokens of one text. Special tokens written in the text become their ids, as in transformers.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] when the tokenizer's own rules fail on the text.
    pub fn tokens(&self, text: &str) -> Result<Tokens> {
        self.encoder.encode(text, false).map(Tokens).map_err(|error| Error::Encode { reason: error.to_string() })
    }

    /// Frames a pair of at most `most` tokens, cut as `truncation` says where it is longer.
    ///
    /// # Errors
    ///
    /// [`Error::NoRoom`] when cutting as told leaves nothing of the text that is cut.
    pub fn pair(&self, first: Tokens, second: &Tokens, most: usize, truncation: Truncation) -> Result<Pair> {
        let (before, needed) = (first.len() + second.len(), second.len() + self.framing);
        let room = most.saturating_sub(self.framing);
        let no_room = match truncation {
            Truncation::OnlyFirst => before > room && second.len() >= room,
            Truncation::LongestFirst => room < 2,
        };
        if no_room {
            return Err(Error::NoRoom { needed, most });
        }
        let strategy = match truncation {
            Truncation::OnlyFirst => TruncationStrategy::OnlyFirst,
            Truncation::LongestFirst => TruncationStrategy::LongestFirst,
        };
        let params = TruncationParams { direction: self.side, max_length: room, strategy, stride: 0 };
        let mut second = second.0.clone();
        // What the library does when it is given both at once.
        second.set_type_ids(vec![1; second.len()]);
        let fail = |error: tokenizers::Error| Error::Encode { reason: error.to_string() };
        let (first, second) = tokenizers::utils::truncation::truncate_encodings(first.0, Some(second), &params).map_err(fail)?;
        let cut = before - first.len() - second.as_ref().map_or(0, Encoding::len);
        let framed = self.encoder.post_process(first, second, true).map_err(fail)?;
        Ok(Pair { ids: framed.get_ids().to_vec(), types: framed.get_type_ids().to_vec(), cut })
    }
}

impl Tokens {
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the text has none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where each stands in the text, in bytes. Tokens of one character that takes several lie in the same place.
    pub fn spans(&self) -> impl ExactSizeIterator<Item = Range<usize>> {
        self.0.get_offsets().iter().map(|(start, end)| *start..*end)
    }
}

impl fmt::Debug for PairTokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PairTokenizer").field("framing", &self.framing).field("limit", &self.limit).finish_non_exhaustive()
    }
}

fn missing(folder: &Path) -> Error {
    match SLOW.iter().find(|file| folder.join(file).is_file()) {
        Some(file) => Error::SlowTokenizer { folder: folder.to_owned(), file },
        None => Error::MissingTokenizer { folder: folder.to_owned(), file: "tokenizer.json" },
    }
}
