//! What has no likelihood, and what cannot be compared: each with its reason.

use std::{fs, path::Path};

use text::Message;

use crate::{evaluator, fixture};

/// A copy of a checkpoint, in which a file is changed.
fn changed(name: &str, file: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(fixture(name)).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let path = folder.path().join(file);
    fs::write(&path, change(fs::read(&path).unwrap())).unwrap();
    folder
}

fn text(change: impl FnOnce(String) -> String) -> impl FnOnce(Vec<u8>) -> Vec<u8> {
    |bytes| change(String::from_utf8(bytes).unwrap()).into_bytes()
}

fn asked(answer: &str) -> [Message; 2] {
    [Message::new("user", "Which day?"), Message::new("assistant", answer)]
}

fn missing(own: &Path, full: Option<&Path>, messages: &[Message]) -> String {
    evaluator(own, full).unwrap().likelihood(messages).unwrap().known().unwrap_err().to_string()
}

#[test]
fn a_weight_that_is_no_number_leaves_no_likelihood() {
    // The last bytes of the file are of the last tensor; 0x7e00 is NaN in f16.
    let broken = changed("full", "model.safetensors", |mut bytes| {
        let end = bytes.len();
        bytes[end - 64..].copy_from_slice(&[0x00, 0x7e].repeat(32));
        bytes
    });
    let reason = missing(broken.path(), None, &asked("Tuesday"));
    assert_eq!(reason, "at token 1 of the answer the logit of token 0 is NaN");
    assert_eq!(missing(&fixture("moved"), Some(broken.path()), &asked("Tuesday")), reason);
}

#[test]
fn a_conversation_that_cannot_be_read_says_why() {
    let full = fixture("full");
    assert_eq!(missing(&full, None, &asked("Tuesday")[..1]), "the conversation does not end with the assistant's answer");
    assert_eq!(missing(&full, None, &[]), "the conversation does not end with the assistant's answer");
    let reason = missing(&full, None, &asked(&"x ".repeat(2000)));
    assert!(reason.starts_with("prompt and answer have 40") && reason.ends_with("more than the 1536 of the model's context"), "{reason}");
    let refusing = changed("full", "chat_template.jinja", text(|_| "{{ raise_exception('no roles') }}".to_owned()));
    assert!(missing(refusing.path(), None, &asked("Tuesday")).contains("no roles"));
}

#[test]
fn other_vocabularies_are_refused() {
    let renamed = changed("full", "tokenizer.json", text(|json| json.replace("<|im_start|>", "<|begins|>")));
    let error = evaluator(&fixture("moved"), Some(renamed.path())).unwrap_err();
    let told = "the two models do not have the same vocabulary: token 1 is \"<|im_start|>\" to it, and \"<|begins|>\" in full precision";
    assert_eq!(error.to_string(), told);
    assert!(error.hint().unwrap().contains("that they were made of"));
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/fixtures/qwen2-tied-f16");
    let full = perplexity::Full { decoder: crate::decoder(&other), tokenizer: text::Tokenizer::from_folder(&fixture("full")).unwrap() };
    let error = perplexity::Evaluator::new(crate::weights(&fixture("moved")), Some(full)).unwrap_err();
    assert!(error.to_string().ends_with("its weights have 328 ids, those in full precision 128"), "{error}");
}
