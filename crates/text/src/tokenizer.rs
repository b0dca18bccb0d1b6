//! The tokenizer: one handle, cheap to clone, whether it came from a folder or from a GGUF file.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result, read_optional};
use crate::folder::{OneOrMany, TokenIds, TokenName, TokenizerConfig, read_json};
use crate::pieces::Pieces;
use crate::sound;
use crate::stream::DecodeStream;

/// A vocabulary with its rules: text to ids, ids to text, and which ids begin and end a text. Clones share it.
#[derive(Clone)]
pub struct Tokenizer(Arc<Inner>);

struct Inner {
    encoder: tokenizers::Tokenizer,
    pieces: Pieces,
    /// Ids that stand for no text.
    special: HashSet<u32>,
    /// Ids whose text is taken as it stands, not spelled in the vocabulary's alphabet.
    added: HashSet<u32>,
    bos: Option<u32>,
    /// The first is the one that the tokenizer itself names; later ones also end an answer.
    eos: Vec<u32>,
    /// Whether `bos` is put before a text here, because the encoder has no post-processor of its own.
    prepend_bos: bool,
    size: usize,
}

/// What a source of tokenizers must know to make one.
pub(crate) struct Parts {
    pub(crate) encoder: tokenizers::Tokenizer,
    pub(crate) pieces: Pieces,
    pub(crate) bos: Option<u32>,
    pub(crate) eos: Vec<u32>,
    pub(crate) prepend_bos: bool,
}

impl Tokenizer {
    /// Reads `tokenizer.json` of a model folder, and what begins and ends a text from `tokenizer_config.json`,
    /// `generation_config.json` and `config.json`, each of which may be absent. Every id that any of them calls the end
    /// is one.
    ///
    /// # Errors
    ///
    /// [`Error::MissingTokenizer`] without `tokenizer.json`; [`Error::Json`], [`Error::Tokenizer`] or
    /// [`Error::UnknownToken`] when the files are damaged, of an unknown kind, or do not belong together.
    pub fn from_folder(folder: &Path) -> Result<Self> {
        let path = folder.join("tokenizer.json");
        let bytes = read_optional(&path)?.ok_or_else(|| Error::MissingTokenizer { folder: folder.to_owned(), file: "tokenizer.json" })?;
        sound::check_json(&bytes).map_err(|source| Error::Json { path: path.clone(), source })?;
        let origin = path.display().to_string();
        let fail = |reason: String| Error::Tokenizer { origin: origin.clone(), reason };
        let mut encoder = tokenizers::Tokenizer::from_bytes(bytes).map_err(|error| fail(error.to_string()))?;
        encoder.with_padding(None);
        encoder.with_truncation(None).map_err(|error| fail(error.to_string()))?;
        let pieces =
            Pieces::of(encoder.get_decoder()).ok_or_else(|| fail("its decoder is neither byte-level nor sentence-piece".to_owned()))?;
        let (bos, eos) = ends_of_folder(folder, &encoder)?;
        let tokenizer = Self::new(Parts { encoder, pieces, bos, eos, prepend_bos: false });
        sound::check(tokenizer.encoder().get_post_processor(), tokenizer.vocabulary_size()).map_err(fail)?;
        Ok(tokenizer)
    }

    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { encoder, pieces, bos, eos, prepend_bos } = parts;
        let added = encoder.get_added_tokens_decoder();
        let special = added.iter().filter(|(_, token)| token.special).map(|(id, _)| *id).collect();
        let added: HashSet<u32> = added.into_keys().collect();
        let highest = encoder.get_vocab(true).into_values().max();
        let size = highest.map_or(0, |id| id as usize + 1);
        Self(Arc::new(Inner { encoder, pieces, special, added, bos, eos, prepend_bos, size }))
    }

    /// Ids of a text. `add_special` puts the beginning-of-text id before it where the tokenizer asks for one; a text
    /// rendered by a chat template has it already. Special tokens written in the text become their ids.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] when the tokenizer's own rules fail on the text.
    pub fn encode(&self, text: &str, add_special: bool) -> Result<Vec<u32>> {
        let encoding = self.0.encoder.encode_fast(text, add_special).map_err(|error| Error::Encode { reason: error.to_string() })?;
        let bos = self.0.bos.filter(|_| add_special && self.0.prepend_bos);
        Ok(bos.into_iter().chain(encoding.get_ids().iter().copied()).collect())
    }

    /// Text of ids, special tokens left out. Bytes that are not UTF-8 become U+FFFD; ids beyond the vocabulary (a
    /// model's embedding is often padded) are no text.
    pub fn decode(&self, ids: &[u32]) -> String {
        self.decode_all(ids, false)
    }

    /// Text of ids, special tokens written out.
    pub fn decode_with_special(&self, ids: &[u32]) -> String {
        self.decode_all(ids, true)
    }

    fn decode_all(&self, ids: &[u32], with_special: bool) -> String {
        let mut bytes = Vec::new();
        for &id in ids {
            if with_special || !self.is_special(id) {
                self.append_bytes(id, &mut bytes);
            }
        }
        let drop = usize::from(self.strips_first() && bytes.first() == Some(&b' '));
        String::from_utf8_lossy(&bytes[drop..]).into_owned()
    }

    /// A decoder that is fed one id at a time, for an answer that begins a text of its own.
    pub fn stream(&self) -> DecodeStream {
        DecodeStream::new(self.clone(), self.strips_first())
    }

    /// Like [`Tokenizer::stream`], for ids that continue the text of a prompt: a leading space is then part of the text.
    pub fn stream_after(&self, prompt: &[u32]) -> DecodeStream {
        let fresh = prompt.last().is_none_or(|&id| self.is_special(id));
        DecodeStream::new(self.clone(), fresh && self.strips_first())
    }

    /// The bytes that an id stands for, special tokens as they are written; `None` beyond the vocabulary. One token may
    /// be a part of a character.
    pub fn token_bytes(&self, id: u32) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.append_bytes(id, &mut bytes).then_some(bytes)
    }

    /// Appends the bytes of an id; whether the vocabulary has it.
    pub(crate) fn append_bytes(&self, id: u32, out: &mut Vec<u8>) -> bool {
        let Some(piece) = self.0.encoder.id_to_token(id) else { return false };
        if self.0.added.contains(&id) {
            out.extend_from_slice(piece.as_bytes());
        } else {
            self.0.pieces.append(&piece, out);
        }
        true
    }

    pub(crate) fn encoder(&self) -> &tokenizers::Tokenizer {
        &self.0.encoder
    }

    pub(crate) fn pieces(&self) -> Pieces {
        self.0.pieces
    }

    /// The id put before a text here, because the encoder has no post-processor that does it.
    pub(crate) fn prepended_bos(&self) -> Option<(u32, String)> {
        let bos = self.0.bos.filter(|_| self.0.prepend_bos)?;
        Some((bos, self.token(bos)?))
    }

    fn strips_first(&self) -> bool {
        self.0.pieces == Pieces::Sentence { strip_first: true }
    }

    /// Highest id plus one. A model's embedding may have more rows, never fewer.
    pub fn vocabulary_size(&self) -> usize {
        self.0.size
    }

    /// The id of a token as the vocabulary spells it.
    pub fn token_id(&self, token: &str) -> Option<u32> {
        self.0.encoder.token_to_id(token)
    }

    /// The vocabulary's spelling of an id.
    pub fn token(&self, id: u32) -> Option<String> {
        self.0.encoder.id_to_token(id)
    }

    /// The id that begins a text, if the model has one.
    pub fn bos(&self) -> Option<u32> {
        self.0.bos
    }

    /// Every id that ends an answer; the one that the tokenizer itself names is first. Empty when none is known.
    pub fn eos(&self) -> &[u32] {
        &self.0.eos
    }

    /// Whether the id ends an answer.
    pub fn is_eos(&self, id: u32) -> bool {
        self.0.eos.contains(&id)
    }

    /// Whether the id is a control token, left out of decoded text.
    pub fn is_special(&self, id: u32) -> bool {
        self.0.special.contains(&id)
    }

    /// Whether [`Tokenizer::encode`] with `add_special` begins with [`Tokenizer::bos`].
    pub fn adds_bos(&self) -> bool {
        self.0.bos.is_some() && self.encode("", true).is_ok_and(|ids| ids.first() == self.0.bos.as_ref())
    }
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokenizer").field("size", &self.0.size).field("bos", &self.0.bos).field("eos", &self.0.eos).finish_non_exhaustive()
    }
}

/// The ids that begin and end a text, by the files around `tokenizer.json`.
fn ends_of_folder(folder: &Path, encoder: &tokenizers::Tokenizer) -> Result<(Option<u32>, Vec<u32>)> {
    let config: Option<TokenizerConfig> = read_json(folder, "tokenizer_config.json")?;
    let generation: TokenIds = read_json(folder, "generation_config.json")?.unwrap_or_default();
    let model: TokenIds = read_json(folder, "config.json")?.unwrap_or_default();
    let id_of = |role: &'static str, name: Option<&TokenName>| match name {
        None => Ok(None),
        Some(name) => encoder.token_to_id(name.text()).map(Some).ok_or_else(|| Error::UnknownToken {
            origin: folder.join("tokenizer_config.json").display().to_string(),
            role,
            token: name.text().to_owned(),
        }),
    };
    let bos = match &config {
        // Qwen's tokenizer says "none" where its config.json names an id that is never used as one.
        Some(config) => id_of("bos_token", config.bos_token.as_ref())?,
        None => model.bos_token_id.as_ref().and_then(|ids| ids.as_slice().first().copied()),
    };
    let named = id_of("eos_token", config.as_ref().and_then(|config| config.eos_token.as_ref()))?;
    let mut eos: Vec<u32> = named.into_iter().collect();
    for id in [&generation.eos_token_id, &model.eos_token_id].into_iter().flatten().flat_map(OneOrMany::as_slice) {
        if !eos.contains(id) {
            eos.push(*id);
        }
    }
    Ok((bos, eos))
}
