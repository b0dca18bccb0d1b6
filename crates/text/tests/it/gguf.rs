//! A tokenizer goes into GGUF metadata and comes out the same.

use std::collections::HashMap;
use std::path::Path;

use proptest::prelude::*;
use text::{ChatTemplate, Error, GgufVocabulary, MetadataValue, RenderOptions, Tokenizer};

use crate::{shared, shared_lines, small};

fn read(entries: Vec<(&'static str, MetadataValue)>) -> Result<GgufVocabulary, Error> {
    let entries: HashMap<&str, MetadataValue> = entries.into_iter().collect();
    GgufVocabulary::read(|key| entries.get(key).cloned())
}

fn round_trip(folder: &Path, rows: usize) -> (GgufVocabulary, Tokenizer) {
    let vocabulary = GgufVocabulary::from_folder(folder, rows).unwrap();
    let back = read(vocabulary.clone().into_entries()).unwrap();
    assert_eq!(back, vocabulary);
    let tokenizer = Tokenizer::from_gguf(&back).unwrap();
    (back, tokenizer)
}

fn same_ids(folder: &Path, rows: usize, texts: &[String]) -> GgufVocabulary {
    let reference = Tokenizer::from_folder(folder).unwrap();
    let (vocabulary, tokenizer) = round_trip(folder, rows);
    for text in texts {
        for add_special in [false, true] {
            let ids = reference.encode(text, add_special).unwrap();
            assert_eq!(tokenizer.encode(text, add_special).unwrap(), ids, "{text:?}");
            assert_eq!(tokenizer.decode(&ids), reference.decode(&ids));
        }
    }
    assert_eq!((tokenizer.bos(), tokenizer.eos().first()), (reference.bos(), reference.eos().first()));
    assert_eq!(vocabulary.tokens.len(), rows);
    vocabulary
}

fn texts() -> Option<Vec<String>> {
    let own = ["<|eot_id|>x<|im_end|> <s></s>", "a  b\u{0}c", ""].map(str::to_owned);
    let vectors = shared_lines("tokenizers/test_vectors.jsonl")?;
    Some(vectors.iter().map(|vector| vector["text"].as_str().unwrap().to_owned()).chain(own).collect())
}

#[test]
fn the_families_survive() {
    let (Some(texts), Some(folder)) = (texts(), shared("tokenizers")) else { return };
    let llama = same_ids(&folder.join("llama-3.2"), 128_256, &texts);
    assert_eq!((llama.pre.as_deref(), llama.add_bos, llama.types.as_ref().unwrap()[128_009]), (Some("llama-bpe"), Some(true), 3));
    let qwen = same_ids(&folder.join("qwen2.5"), 151_936, &texts);
    assert_eq!((qwen.pre.as_deref(), qwen.add_bos, qwen.types.as_ref().unwrap()[151_935]), (Some("qwen2"), Some(false), 5));
    assert_eq!((qwen.tokens[151_657].as_str(), qwen.types.as_ref().unwrap()[151_657]), ("<tool_call>", 4));
    assert_eq!((qwen.tokens[151_935].as_str(), qwen.padding), ("[PAD151935]", Some(151_643)));
}

#[test]
fn ends_are_found_by_their_text_too() {
    let Some(folder) = shared("tokenizers") else { return };
    let (_, llama) = round_trip(&folder.join("llama-3.2"), 128_256);
    assert_eq!(llama.eos(), [128_009, 128_001, 128_008]);
    let (_, qwen) = round_trip(&folder.join("qwen2.5"), 151_936);
    assert_eq!(qwen.eos(), [151_645, 151_643]);
}

#[test]
fn a_sentence_piece_vocabulary_survives() {
    let (Some(texts), Some(folder)) = (texts(), shared("models/stories260K")) else { return };
    let vocabulary = same_ids(&folder, 512, &texts);
    assert_eq!((vocabulary.model.as_str(), vocabulary.add_space_prefix), ("llama", Some(true)));
    let types = vocabulary.types.unwrap();
    assert_eq!((types[0], types[1], types[3], types[300]), (2, 3, 6, 1));
}

#[test]
fn a_small_vocabulary_and_its_template_survive() {
    let folder = small::folder();
    let texts = ["hello world", " w\n\n", "<|role|>hello<|eot|>"].map(str::to_owned);
    let vocabulary = same_ids(folder.path(), 270, &texts);
    let options = RenderOptions::default();
    let messages = [text::Message::new("user", "hello")];
    let from_folder = ChatTemplate::from_folder(folder.path()).unwrap().unwrap();
    let from_gguf = ChatTemplate::from_gguf(&vocabulary).unwrap().unwrap();
    assert_eq!(from_gguf.render(&messages, &options).unwrap(), from_folder.render(&messages, &options).unwrap());
}

#[test]
fn a_synthetic_vocabulary_survives() {
    let folder = tempfile::TempDir::new().unwrap();
    Tokenizer::synthetic(1000).unwrap().save(folder.path()).unwrap();
    same_ids(folder.path(), 1000, &["naïve t300\n".to_owned()]);
}

#[test]
fn three_ends_survive() {
    let folder = small::folder();
    std::fs::write(folder.path().join("generation_config.json"), r#"{"eos_token_id": [264, 7, 263]}"#).unwrap();
    let (vocabulary, tokenizer) = round_trip(folder.path(), 265);
    assert_eq!((vocabulary.eos, vocabulary.eot, vocabulary.eom), (Some(263), Some(264), Some(7)));
    assert_eq!(tokenizer.eos(), [263, 264, 7]);
}

fn entries() -> Vec<(&'static str, MetadataValue)> {
    GgufVocabulary::from_folder(small::folder().path(), 265).unwrap().into_entries()
}

fn with(key: &'static str, value: MetadataValue) -> Error {
    let entries: Vec<_> = entries().into_iter().filter(|(name, _)| *name != key).chain([(key, value)]).collect();
    read(entries).and_then(|vocabulary| Tokenizer::from_gguf(&vocabulary)).unwrap_err()
}

fn without(key: &'static str) -> Error {
    let entries: Vec<_> = entries().into_iter().filter(|(name, _)| *name != key).collect();
    read(entries).and_then(|vocabulary| Tokenizer::from_gguf(&vocabulary)).unwrap_err()
}

#[test]
fn damaged_metadata_is_named() {
    use MetadataValue::{I32s, String, Strings, U32};
    let shown = |error: Error| error.to_string();
    assert_eq!(shown(without("tokenizer.ggml.tokens")), "gguf metadata tokenizer.ggml.tokens: missing");
    assert_eq!(shown(without("tokenizer.ggml.merges")), "gguf metadata tokenizer.ggml.merges: missing");
    assert_eq!(shown(with("tokenizer.ggml.merges", U32(1))), "gguf metadata tokenizer.ggml.merges: is a number, not an array of strings");
    assert_eq!(shown(with("tokenizer.ggml.merges", Strings(vec!["ab".into()]))), "gguf metadata tokenizer.ggml.merges: `ab` is no pair");
    assert_eq!(
        shown(with("tokenizer.ggml.token_type", I32s(vec![1]))),
        "gguf metadata tokenizer.ggml.token_type: 1 entries for 265 tokens"
    );
    assert_eq!(
        shown(with("tokenizer.ggml.eos_token_id", U32(999))),
        "gguf metadata tokenizer.ggml.eos_token_id: 999 is beyond the 265 tokens"
    );
    assert_eq!(
        shown(with("tokenizer.ggml.model", String("bert".into()))),
        "gguf metadata tokenizer.ggml.model: unknown kind `bert`; known: gpt2, llama"
    );
    assert!(matches!(with("tokenizer.ggml.pre", String("klingon".into())), Error::UnknownPreTokenizer { .. }));
    assert!(matches!(with("tokenizer.ggml.merges", Strings(vec!["q∂ x".into()])), Error::Tokenizer { .. }));
}

/// Vocabularies that no converter would write.
fn any_vocabulary() -> impl Strategy<Value = GgufVocabulary> {
    let token = prop_oneof!["[ab▁Ġ ]{0,4}", "<0x[0-9A-F]{2}>", "<\\|[a-z]{1,3}\\|>"];
    let entry = (token.clone(), 0..8i32, prop_oneof![Just(f32::NAN), -5f32..5f32]);
    let merge = prop_oneof!["[ab▁Ġ]{0,2} [ab▁Ġ]{0,2}", token];
    let pre = prop::option::of(prop::sample::select(vec!["llama-bpe", "qwen2", "gpt-2", "smollm", "default", "other"]));
    let ids = prop::array::uniform4(prop::option::of(0u32..12));
    (prop::bool::ANY, prop::collection::vec(entry, 0..12), prop::collection::vec(merge, 0..6), pre, ids).prop_map(
        |(byte_level, entries, merges, pre, [bos, eos, unknown, padding])| GgufVocabulary {
            model: if byte_level { "gpt2" } else { "llama" }.to_owned(),
            pre: pre.map(str::to_owned),
            tokens: entries.iter().map(|(token, ..)| token.clone()).collect(),
            types: Some(entries.iter().map(|(_, kind, _)| *kind).collect()),
            scores: Some(entries.iter().map(|(.., score)| *score).collect()),
            merges: Some(merges),
            bos,
            eos,
            eot: None,
            eom: None,
            unknown,
            padding,
            add_bos: None,
            add_space_prefix: None,
            chat_template: None,
        },
    )
}

proptest! {
    #[test]
    fn a_strange_vocabulary_is_used_or_refused(vocabulary in any_vocabulary(), text in "[ab <>|x]{0,12}") {
        if let Ok(tokenizer) = Tokenizer::from_gguf(&vocabulary) {
            if let Ok(ids) = tokenizer.encode(&text, true) {
                tokenizer.decode(&ids);
            }
            tokenizer.decode_with_special(&(0..20).collect::<Vec<u32>>());
            prop_assert!(tokenizer.vocabulary_size() <= vocabulary.tokens.len());
        }
    }
}
