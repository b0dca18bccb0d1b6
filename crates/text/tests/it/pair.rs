//! Pairs against transformers, on the tokenizers of the encoders' fixtures: ids, types, both ways of cutting; and folders that do not serve.

use std::path::{Path, PathBuf};

use expect_test::{Expect, expect};
use serde::Deserialize;
use text::{PairTokenizer, Truncation};

#[derive(Deserialize)]
struct Expected {
    length: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    premise: String,
    hypothesis: String,
    cut: Option<String>,
    ids: Vec<u32>,
    types: Vec<u32>,
}

/// A checkpoint that `make_encoder_fixtures.py` of `model` wrote.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/fixtures").join(name)
}

#[test]
fn pairs_are_those_of_transformers() {
    for name in ["nli-bert", "nli-roberta-f16", "nli-deberta-v3"] {
        let tokenizer = PairTokenizer::from_folder(&fixture(name)).unwrap();
        let text = std::fs::read_to_string(fixture(name).join("expected.json")).unwrap();
        let expected: Expected = serde_json::from_str(&text).unwrap();
        assert_eq!(tokenizer.limit(), Some(expected.length));
        for case in expected.cases {
            let truncation = match case.cut.as_deref() {
                Some("longest_first") => Truncation::LongestFirst,
                _ => Truncation::OnlyFirst,
            };
            let (first, second) = (tokenizer.tokens(&case.premise).unwrap(), tokenizer.tokens(&case.hypothesis).unwrap());
            let whole = first.len() + second.len() + tokenizer.framing();
            let pair = tokenizer.pair(first, &second, expected.length, truncation).unwrap();
            assert_eq!((&pair.ids, &pair.types), (&case.ids, &case.types), "{name}: {} {:?}", case.hypothesis, case.cut);
            assert_eq!(pair.cut, whole - pair.ids.len());
        }
    }
}

#[test]
fn tokens_know_their_place() {
    for name in ["nli-bert", "nli-roberta-f16", "nli-deberta-v3"] {
        let tokenizer = PairTokenizer::from_folder(&fixture(name)).unwrap();
        let text = "The  crane fell — naïve café.\nNo one was hurt.";
        let tokens = tokenizer.tokens(text).unwrap();
        let spans: Vec<_> = tokens.spans().collect();
        assert_eq!(spans.len(), tokens.len());
        assert!(spans.is_sorted_by_key(|span| span.start), "{spans:?}");
        assert!(spans.last().unwrap().end == text.len() && spans.iter().all(|span| span.start <= span.end && span.end <= text.len()));
        assert!(tokenizer.tokens("").unwrap().is_empty());
    }
}

#[test]
fn a_second_text_that_leaves_no_room_is_told() {
    let tokenizer = PairTokenizer::from_folder(&fixture("nli-bert")).unwrap();
    let [first, second] = ["the crane", "the harbour was closed"].map(|text| tokenizer.tokens(text).unwrap());
    let most = second.len() + tokenizer.framing();
    let error = tokenizer.pair(first.clone(), &second, most, Truncation::OnlyFirst).unwrap_err();
    assert_eq!(error.to_string(), format!("the second text and what frames the pair take {most} tokens of at most {most}"));
    assert!(tokenizer.pair(first.clone(), &second, 4, Truncation::LongestFirst).is_err());
    assert_eq!(tokenizer.pair(first, &second, 5, Truncation::LongestFirst).unwrap().ids.len(), 5);
}

#[expect(clippy::needless_pass_by_value, reason = "expect! makes a value at each call")]
fn check(files: &[(&str, &str)], expected: Expect) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let error = PairTokenizer::from_folder(folder.path()).unwrap_err();
    let shown = format!("{error}\nhint: {}", error.hint().unwrap_or_default());
    expected.assert_eq(&shown.replace(&folder.path().display().to_string(), "DIR"));
}

#[test]
fn folders_that_do_not_serve() {
    check(
        &[],
        expect![[r#"
        no tokenizer in DIR: tokenizer.json is missing
        hint: copy tokenizer.json and tokenizer_config.json from the model's page into the folder, or point to a complete model folder"#]],
    );
    check(
        &[("spm.model", "bytes")],
        expect![[r#"
        no tokenizer.json in DIR, only spm.model, which is not read
        hint: write it once with Python: from transformers import AutoTokenizer; AutoTokenizer.from_pretrained("DIR").save_pretrained("DIR")"#]],
    );
    check(
        &[("tokenizer.json", "{")],
        expect![[r#"
        DIR/tokenizer.json: EOF while parsing an object at line 1 column 1
        hint: the file may be a partial download or a Git LFS pointer; fetch it again"#]],
    );
    let no_frame = r#"{"version": "1.0", "added_tokens": [], "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}"#;
    check(
        &[("tokenizer.json", no_frame)],
        expect![[r#"
        DIR/tokenizer.json: its post-processor puts no special tokens around a pair
        hint: take the tokenizer.json that the cross-encoder was published with"#]],
    );
}
