//! A stream emits whole UTF-8 and loses nothing.

use proptest::prelude::*;
use text::{DecodeStream, Tokenizer};

use crate::small;

fn drain(mut stream: DecodeStream, ids: &[u32]) -> String {
    let mut text: String = ids.iter().map(|&id| stream.push(id)).collect();
    text.push_str(&stream.finish());
    text
}

#[test]
fn half_a_character_is_held_back() {
    let tokenizer = small::tokenizer();
    let mut stream = tokenizer.stream();
    let pieces: Vec<String> = [0xe2, 0x82, 0xac, 0x41, 263, 0xf0].map(|id| stream.push(id)).into();
    assert_eq!(pieces, ["", "", "€", "A", "", ""]);
    assert_eq!(stream.finish(), "\u{fffd}");
    assert_eq!(stream.finish(), "");
}

#[test]
fn a_byte_that_is_no_character_does_not_hold_up_the_rest() {
    let tokenizer = small::tokenizer();
    let mut stream = tokenizer.stream();
    let pieces: Vec<String> = [0xe2, 0x41, 0x80, 0x42].map(|id| stream.push(id)).into();
    assert_eq!(pieces, ["", "\u{fffd}A", "\u{fffd}", "B"]);
}

#[test]
fn special_tokens_are_no_text_and_strange_ids_neither() {
    let tokenizer = small::tokenizer();
    assert_eq!(tokenizer.decode(&[262, 104, 263, 100_000, 105]), "hi");
    assert_eq!(tokenizer.decode_with_special(&[262, 104, 263, 105]), "<s>h<|eot|>i");
}

#[test]
fn only_a_fresh_sentence_loses_its_first_space() {
    let Some(folder) = crate::shared("models/stories260K") else { return };
    let tokenizer = Tokenizer::from_folder(&folder).unwrap();
    let ids = tokenizer.encode("upon a time", false).unwrap();
    assert_eq!(drain(tokenizer.stream(), &ids), "upon a time");
    assert_eq!(drain(tokenizer.stream_after(&[1]), &ids), "upon a time");
    let prompt = tokenizer.encode("Once", true).unwrap();
    assert_eq!(drain(tokenizer.stream_after(&prompt), &ids), " upon a time");
}

#[test]
fn byte_fallback_is_whole_text() {
    let Some(folder) = crate::shared("models/stories260K") else { return };
    let tokenizer = Tokenizer::from_folder(&folder).unwrap();
    let text = "Δ naïve 日本 €";
    let ids = tokenizer.encode(text, true).unwrap();
    assert_eq!(tokenizer.decode(&ids), text);
    assert_eq!(drain(tokenizer.stream(), &ids), text);
}

proptest! {
    #[test]
    fn a_stream_is_the_whole(ids in prop::collection::vec(0u32..270, 0..40)) {
        let tokenizer = small::tokenizer();
        prop_assert_eq!(drain(tokenizer.stream(), &ids), tokenizer.decode(&ids));
    }

    #[test]
    fn text_comes_back(text in "\\PC{0,40}") {
        let tokenizer = small::tokenizer();
        let ids = tokenizer.encode(&text, false).unwrap();
        prop_assert_eq!(tokenizer.decode_with_special(&ids), text);
    }
}
