//! From GGUF metadata to a tokenizer.

use std::collections::HashMap;

use tokenizers::models::bpe::{BPE, BpeBuilder, Merges, Vocab};
use tokenizers::normalizers::{NFC, Prepend, Replace, Sequence};
use tokenizers::{AddedToken, NormalizerWrapper};

use super::{GgufVocabulary, token_type};
use crate::pieces::Pieces;
use crate::pre::PreTokenizer;
use crate::tokenizer::Parts;
use crate::{Error, Result, Tokenizer};

/// Control tokens that end an answer whatever the metadata says, as llama.cpp knows them by their text.
const ENDS: &[&str] = &["<|eot_id|>", "<|im_end|>", "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>"];

impl Tokenizer {
    /// A tokenizer from the metadata of a GGUF file.
    ///
    /// # Errors
    ///
    /// [`Error::Metadata`] when the vocabulary is of another kind or damaged, [`Error::UnknownPreTokenizer`] when it cuts
    /// words in a way that is not known here.
    pub fn from_gguf(vocabulary: &GgufVocabulary) -> Result<Self> {
        vocabulary.check()?;
        let (mut encoder, pieces, adds_bos) = match vocabulary.model.as_str() {
            "gpt2" => byte_level(vocabulary)?,
            "llama" => sentence_piece(vocabulary)?,
            other => {
                let reason = format!("unknown kind `{other}`; known: gpt2, llama");
                return Err(Error::Metadata { key: "tokenizer.ggml.model", reason });
            }
        };
        encoder.add_special_tokens(added(vocabulary, token_type::CONTROL)).map_err(fail)?;
        encoder.add_tokens(added(vocabulary, token_type::USER_DEFINED)).map_err(fail)?;
        let prepend_bos = vocabulary.add_bos.unwrap_or(adds_bos);
        Ok(Self::new(Parts { encoder, pieces, bos: vocabulary.bos, eos: ends(vocabulary), prepend_bos }))
    }
}

/// Longest `SentencePiece` entry that pairs are sought for, in bytes. Real ones stay below 100; finding the pairs of one takes
/// the square of its length.
const LONGEST_PIECE: usize = 1024;

fn fail(error: impl std::fmt::Display) -> Error {
    Error::Tokenizer { origin: "gguf metadata".to_owned(), reason: error.to_string() }
}

fn byte_level(vocabulary: &GgufVocabulary) -> Result<(tokenizers::Tokenizer, Pieces, bool)> {
    // Files from before the key existed are read as llama.cpp reads them.
    let pre = PreTokenizer::named(vocabulary.pre.as_deref().unwrap_or("default"))?;
    let model = bpe(vocabulary, merges(vocabulary)?).ignore_merges(pre.ignore_merges).build().map_err(fail)?;
    let mut encoder = tokenizers::Tokenizer::new(model);
    encoder.with_pre_tokenizer(Some(pre.build()?));
    if pre.nfc {
        encoder.with_normalizer(Some(NFC)).map_err(fail)?;
    }
    Ok((encoder, Pieces::ByteLevel, pre.add_bos))
}

fn sentence_piece(vocabulary: &GgufVocabulary) -> Result<(tokenizers::Tokenizer, Pieces, bool)> {
    let prefix = vocabulary.add_space_prefix.unwrap_or(true);
    let mut builder = bpe(vocabulary, merges_of_scores(vocabulary)?).byte_fallback(true).fuse_unk(true);
    if let Some(unknown) = vocabulary.unknown {
        builder = builder.unk_token(vocabulary.tokens[unknown as usize].clone());
    }
    let mut encoder = tokenizers::Tokenizer::new(builder.build().map_err(fail)?);
    let mut steps = Vec::new();
    if prefix {
        steps.push(NormalizerWrapper::Prepend(Prepend::new("▁".to_owned())));
    }
    steps.push(NormalizerWrapper::Replace(Replace::new(" ", "▁").map_err(fail)?));
    encoder.with_normalizer(Some(Sequence::new(steps))).map_err(fail)?;
    Ok((encoder, Pieces::Sentence { strip_first: prefix }, true))
}

fn bpe(vocabulary: &GgufVocabulary, merges: Merges) -> BpeBuilder {
    let tokens: Vocab = vocabulary.tokens.iter().zip(0..).map(|(token, id)| (token.clone(), id)).collect();
    BPE::builder().vocab_and_merges(tokens, merges)
}

fn merges(vocabulary: &GgufVocabulary) -> Result<Merges> {
    let key = "tokenizer.ggml.merges";
    let lines = vocabulary.merges.as_ref().ok_or_else(|| Error::Metadata { key, reason: "missing".to_owned() })?;
    let pair = |line: &String| {
        let (left, right) = line.split_once(' ').filter(|(left, right)| !left.is_empty() && !right.is_empty())?;
        Some((left.to_owned(), right.to_owned()))
    };
    lines.iter().map(|line| pair(line).ok_or_else(|| Error::Metadata { key, reason: format!("`{line}` is no pair") })).collect()
}

/// `SentencePiece` merges the pair whose result has the highest score; as a list, that is every pair of entries that
/// makes an entry, by falling score. The same list that `transformers` makes of a `SentencePiece` model
/// (`generate_merges` in `convert_slow_tokenizer.py`).
fn merges_of_scores(vocabulary: &GgufVocabulary) -> Result<Merges> {
    let scores =
        vocabulary.scores.as_ref().ok_or_else(|| Error::Metadata { key: "tokenizer.ggml.scores", reason: "missing".to_owned() })?;
    let ids: HashMap<&str, usize> = vocabulary.tokens.iter().map(String::as_str).zip(0..).collect();
    let mergeable = |id: usize| {
        matches!(vocabulary.type_of(id), token_type::NORMAL | token_type::USER_DEFINED) && vocabulary.tokens[id].len() <= LONGEST_PIECE
    };
    let mut order: Vec<usize> = (0..vocabulary.tokens.len()).filter(|&id| mergeable(id)).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let mut merges = Vec::new();
    for id in order {
        let token = &vocabulary.tokens[id];
        let cuts = token.char_indices().skip(1).map(|(at, _)| token.split_at(at));
        let mut pairs: Vec<(&str, &str)> = cuts.filter(|(left, right)| ids.contains_key(left) && ids.contains_key(right)).collect();
        pairs.sort_by_key(|(left, right)| (ids[left], ids[right]));
        merges.extend(pairs.into_iter().map(|(left, right)| (left.to_owned(), right.to_owned())));
    }
    Ok(merges)
}

fn added(vocabulary: &GgufVocabulary, kind: i32) -> Vec<AddedToken> {
    let ids = (0..vocabulary.tokens.len()).filter(|&id| vocabulary.type_of(id) == kind && !vocabulary.tokens[id].is_empty());
    let special = kind == token_type::CONTROL;
    ids.map(|id| AddedToken::from(vocabulary.tokens[id].clone(), special).normalized(false)).collect()
}

fn ends(vocabulary: &GgufVocabulary) -> Vec<u32> {
    let by_text = vocabulary
        .tokens
        .iter()
        .zip(0u32..)
        .filter(|(token, id)| vocabulary.type_of(*id as usize) == token_type::CONTROL && ENDS.contains(&token.as_str()));
    let mut ends = Vec::new();
    for id in [vocabulary.eos, vocabulary.eot, vocabulary.eom].into_iter().flatten().chain(by_text.map(|(_, id)| id)) {
        if !ends.contains(&id) {
            ends.push(id);
        }
    }
    ends
}
