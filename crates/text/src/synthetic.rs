//! A tokenizer for models with random weights and no vocabulary of their own: bytes in, and visible text out for every id.
//! For speed and energy studies only; its token counts are those of bytes, not of language.

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use crate::pieces::{Pieces, char_of};
use crate::tokenizer::Parts;
use crate::{Error, Result, Tokenizer};

impl Tokenizer {
    /// A tokenizer of `size` ids for a model that has none: ids below 256 are bytes, a higher one such as 300 decodes to
    /// ` t300`. It has neither a beginning nor an end of text.
    ///
    /// # Errors
    ///
    /// [`Error::Tokenizer`] when `size` is below 256.
    pub fn synthetic(size: usize) -> Result<Self> {
        let fail = |reason: String| Error::Tokenizer { origin: "synthetic tokenizer".to_owned(), reason };
        if size < 256 {
            return Err(fail(format!("a vocabulary of {size} cannot hold the 256 bytes")));
        }
        let bytes = (0..=u8::MAX).map(|byte| (char_of(byte).to_string(), u32::from(byte)));
        let others = (256..size as u32).map(|id| (format!("{}t{id}", char_of(b' ')), id));
        let vocabulary: Vocab = bytes.chain(others).collect();
        let model = BPE::builder().vocab_and_merges(vocabulary, Vec::new()).build().map_err(|error| fail(error.to_string()))?;
        let mut encoder = tokenizers::Tokenizer::new(model);
        // Cut like GPT-2's: where nothing is merged that changes no ids, and GGUF has a name for it.
        encoder.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
        Ok(Self::new(Parts { encoder, pieces: Pieces::ByteLevel, bos: None, eos: Vec::new(), prepend_bos: false }))
    }
}
