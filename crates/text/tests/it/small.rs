//! Small tokenizers made on the spot, for tests that need no reference data.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use text::Tokenizer;

/// A byte-level BPE of the 256 bytes, a few merges, and three special tokens, in LLaMA 3's layout.
pub(crate) fn byte_level_json() -> Value {
    let merges = ["h e", "l l", "he ll", "hell o", "Ġ w", "Ċ Ċ"];
    let mut vocab = serde_json::Map::new();
    for byte in 0..=u8::MAX {
        vocab.insert(spelled(byte), json!(byte));
    }
    for merge in merges {
        let id = vocab.len();
        vocab.insert(merge.replace(' ', ""), json!(id));
    }
    let special: Vec<Value> = ["<s>", "<|eot|>", "<|role|>"]
        .iter()
        .zip(vocab.len()..)
        .map(|(token, id)| {
            json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true})
        })
        .collect();
    json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": special, "normalizer": null,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"},
             "behavior": "Isolated", "invert": false},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]},
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [262], "tokens": ["<s>"]}}},
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": false, "byte_fallback": false, "ignore_merges": true, "vocab": vocab, "merges": merges}
    })
}

/// GPT-2's alphabet, written anew from its definition so that the tests do not rest on the crate's own.
fn spelled(byte: u8) -> String {
    let printable = |b: u32| (0x21..=0x7e).contains(&b) || (0xa1..=0xac).contains(&b) || (0xae..=0xff).contains(&b);
    let code = u32::from(byte);
    let order = (0..code).filter(|&b| !printable(b)).count() as u32;
    char::from_u32(if printable(code) { code } else { 0x100 + order }).unwrap().to_string()
}

/// A ChatML-like template that ends each message with `<|eot|>` and a line break.
pub(crate) const TEMPLATE: &str = "{{ bos_token }}{% for m in messages %}<|role|>{{ m.role }}\n{{ m.content }}<|eot|>\n{% endfor %}\
                                   {% if add_generation_prompt %}<|role|>assistant\n{% endif %}";

pub(crate) fn write_folder(folder: &Path) {
    std::fs::write(folder.join("tokenizer.json"), byte_level_json().to_string()).unwrap();
    let config = json!({"bos_token": "<s>", "eos_token": {"content": "<|eot|>", "lstrip": false}, "chat_template": TEMPLATE});
    std::fs::write(folder.join("tokenizer_config.json"), config.to_string()).unwrap();
}

pub(crate) fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    write_folder(folder.path());
    folder
}

pub(crate) fn tokenizer() -> Tokenizer {
    Tokenizer::from_folder(folder().path()).unwrap()
}

#[test]
fn every_byte_has_its_id() {
    let tokenizer = tokenizer();
    assert_eq!(tokenizer.vocabulary_size(), 265);
    for byte in 0..=u8::MAX {
        assert_eq!(tokenizer.token_bytes(u32::from(byte)), Some(vec![byte]));
    }
    assert_eq!(tokenizer.token_bytes(265), None);
    assert_eq!(tokenizer.encode("hello world", true).unwrap(), [262, 259, 260, 111, 114, 108, 100]);
    assert_eq!(tokenizer.encode("<|eot|>", false).unwrap(), [263]);
}

#[test]
fn every_file_may_name_an_end() {
    let folder = folder();
    std::fs::write(folder.path().join("generation_config.json"), r#"{"eos_token_id": [264, 263]}"#).unwrap();
    std::fs::write(folder.path().join("config.json"), r#"{"eos_token_id": 7}"#).unwrap();
    let tokenizer = Tokenizer::from_folder(folder.path()).unwrap();
    assert_eq!(tokenizer.eos(), [263, 264, 7]);
    assert!(tokenizer.is_eos(264) && !tokenizer.is_eos(8));
}

#[test]
fn a_synthetic_tokenizer_shows_every_id() {
    let tokenizer = Tokenizer::synthetic(1000).unwrap();
    let text = "naïve\n日本";
    assert_eq!(tokenizer.decode(&tokenizer.encode(text, true).unwrap()), text);
    assert_eq!(tokenizer.encode(text, true).unwrap().len(), text.len());
    assert_eq!(tokenizer.decode(&[104, 105, 300, 999]), "hi t300 t999");
    assert_eq!(tokenizer.vocabulary_size(), 1000);
    assert!(Tokenizer::synthetic(255).is_err());
}

#[test]
fn copying_takes_what_is_there() {
    let (from, to) = (folder(), TempDir::new().unwrap());
    std::fs::write(from.path().join("chat_template.jinja"), "x").unwrap();
    let copied = text::copy_tokenizer_files(from.path(), to.path()).unwrap();
    let mut names = String::new();
    for name in &copied {
        write!(names, "{name} ").unwrap();
        assert_eq!(std::fs::read(from.path().join(name)).unwrap(), std::fs::read(to.path().join(name)).unwrap());
    }
    assert_eq!(names, "tokenizer.json tokenizer_config.json chat_template.jinja ");
    assert!(text::copy_tokenizer_files(TempDir::new().unwrap().path(), to.path()).unwrap().is_empty());
    std::fs::remove_file(from.path().join("tokenizer.json")).unwrap();
    assert!(matches!(text::copy_tokenizer_files(from.path(), to.path()), Err(text::Error::MissingTokenizer { .. })));
}

#[test]
fn a_saved_tokenizer_is_the_same() {
    let folder = TempDir::new().unwrap();
    let same = |tokenizer: &Tokenizer| {
        tokenizer.save(folder.path()).unwrap();
        let back = Tokenizer::from_folder(folder.path()).unwrap();
        let text = "hello <|eot|> naïve\n\n world";
        let ids = tokenizer.encode(text, true).unwrap();
        assert_eq!(back.encode(text, true).unwrap(), ids);
        assert_eq!(back.decode(&ids), tokenizer.decode(&ids));
        assert_eq!((back.bos(), back.eos(), back.vocabulary_size()), (tokenizer.bos(), tokenizer.eos(), tokenizer.vocabulary_size()));
    };
    same(&tokenizer());
    same(&Tokenizer::synthetic(400).unwrap());
    let vocabulary = text::GgufVocabulary::from_folder(self::folder().path(), 265).unwrap();
    same(&Tokenizer::from_gguf(&vocabulary).unwrap());
    let Some(stories) = crate::shared("models/stories260K") else { return };
    let vocabulary = text::GgufVocabulary::from_folder(&stories, 512).unwrap();
    same(&Tokenizer::from_gguf(&vocabulary).unwrap());
}
