//! Damaged and incomplete tokenizer folders: what, where, and how to mend it.

use expect_test::{Expect, expect};
use tempfile::TempDir;
use text::Tokenizer;

use crate::small;

#[expect(clippy::needless_pass_by_value, reason = "expect! makes a value at each call")]
fn check(break_it: impl Fn(&std::path::Path), expected: Expect) {
    let folder = small::folder();
    break_it(folder.path());
    let error = Tokenizer::from_folder(folder.path()).unwrap_err();
    let shown = format!("{error}\nhint: {}", error.hint().unwrap_or_default());
    expected.assert_eq(&shown.replace(&folder.path().display().to_string(), "DIR"));
}

fn write(folder: &std::path::Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

#[test]
fn a_missing_tokenizer() {
    check(
        |folder| std::fs::remove_file(folder.join("tokenizer.json")).unwrap(),
        expect![[r#"
        no tokenizer in DIR: tokenizer.json is missing
        hint: copy tokenizer.json and tokenizer_config.json from the model's page into the folder, or point to a complete model folder"#]],
    );
}

#[test]
fn a_truncated_tokenizer() {
    check(
        |folder| write(folder, "tokenizer.json", r#"{"version": "1.0", "#),
        expect![[r#"
            DIR/tokenizer.json: EOF while parsing an object at line 1 column 19
            hint: the file may be a partial download or a Git LFS pointer; fetch it again"#]],
    );
}

#[test]
fn a_config_of_another_model() {
    check(
        |folder| write(folder, "tokenizer_config.json", r#"{"eos_token": "<|im_end|>"}"#),
        expect![[r#"
        DIR/tokenizer_config.json: eos_token `<|im_end|>` is not in the vocabulary
        hint: tokenizer.json and tokenizer_config.json must come from the same model"#]],
    );
}

#[test]
fn a_config_that_is_no_json() {
    check(
        |folder| write(folder, "tokenizer_config.json", "version https://git-lfs"),
        expect![[r#"
        DIR/tokenizer_config.json: expected value at line 1 column 1
        hint: the file may be a partial download or a Git LFS pointer; fetch it again"#]],
    );
}

#[test]
fn a_decoder_of_another_kind() {
    check(
        |folder| {
            let mut json = small::byte_level_json();
            json["decoder"] = serde_json::json!({"type": "WordPiece", "prefix": "##", "cleanup": true});
            write(folder, "tokenizer.json", &json.to_string());
        },
        expect![[r#"
            DIR/tokenizer.json: its decoder is neither byte-level nor sentence-piece
            hint: the file may be a partial download, or not a BPE tokenizer of the LLaMA or Qwen families; fetch it again"#]],
    );
}

#[test]
fn a_tokenizer_without_its_config_still_encodes() {
    let folder = TempDir::new().unwrap();
    small::write_folder(folder.path());
    std::fs::remove_file(folder.path().join("tokenizer_config.json")).unwrap();
    let tokenizer = Tokenizer::from_folder(folder.path()).unwrap();
    assert_eq!((tokenizer.bos(), tokenizer.eos().len()), (None, 0));
    assert_eq!(tokenizer.encode("hello", false).unwrap(), [259]);
}

/// Every place in a JSON value that is not a container's name.
fn places(value: &serde_json::Value, path: &str, out: &mut Vec<String>) {
    out.push(path.to_owned());
    match value {
        // The vocabulary's entries are alike: a few stand for all.
        serde_json::Value::Object(map) => {
            for (key, inner) in map.iter().take(20) {
                places(inner, &format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), out);
            }
        }
        serde_json::Value::Array(list) => list.iter().enumerate().for_each(|(i, v)| places(v, &format!("{path}/{i}"), out)),
        _ => {}
    }
}

#[test]
fn a_tokenizer_cut_off_anywhere_is_an_error() {
    let text = small::byte_level_json().to_string();
    let folder = TempDir::new().unwrap();
    for end in (0..text.len()).step_by(7).filter(|&end| text.is_char_boundary(end)) {
        write(folder.path(), "tokenizer.json", &text[..end]);
        assert!(Tokenizer::from_folder(folder.path()).is_err(), "{end}");
    }
}

#[test]
fn a_tokenizer_with_a_strange_value_is_used_or_refused() {
    let json = small::byte_level_json();
    let mut all = Vec::new();
    places(&json, "", &mut all);
    let folder = TempDir::new().unwrap();
    for place in all {
        for strange in [
            serde_json::json!(null),
            serde_json::json!(""),
            serde_json::json!(-1),
            serde_json::json!([]),
            serde_json::json!(4_294_967_295u32),
        ] {
            let mut json = json.clone();
            *json.pointer_mut(&place).unwrap() = strange;
            write(folder.path(), "tokenizer.json", &json.to_string());
            if let Ok(tokenizer) = Tokenizer::from_folder(folder.path()) {
                let ids = tokenizer.encode("hello <|eot|> a", true).unwrap_or_default();
                tokenizer.decode(&ids);
            }
        }
    }
}
