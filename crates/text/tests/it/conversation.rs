//! The answers of a conversation, by id.

use expect_test::{Expect, expect};
use text::{ChatTemplate, Error, Message, RenderOptions, Tokenizer, encode_conversation};

use crate::{shared, small};

fn messages(turns: &[(&str, &str)]) -> Vec<Message> {
    turns.iter().map(|(role, content)| Message::new(*role, *content)).collect()
}

/// The conversation's text with its answers in brackets.
fn marked(tokenizer: &Tokenizer, template: &ChatTemplate, turns: &[(&str, &str)]) -> Result<String, Error> {
    let encoded = encode_conversation(tokenizer, template, &messages(turns), &RenderOptions::default())?;
    let mut text = String::new();
    let mut at = 0;
    for range in encoded.answers {
        text += &tokenizer.decode_with_special(&encoded.ids[at..range.start]);
        text.extend(["[", &tokenizer.decode_with_special(&encoded.ids[range.clone()]), "]"]);
        at = range.end;
    }
    Ok(text + &tokenizer.decode_with_special(&encoded.ids[at..]))
}

#[expect(clippy::needless_pass_by_value, reason = "expect! makes a value at each call")]
fn check(turns: &[(&str, &str)], expected: Expect) {
    let template = ChatTemplate::from_folder(small::folder().path()).unwrap().unwrap();
    expected.assert_eq(&marked(&small::tokenizer(), &template, turns).unwrap());
}

#[test]
fn one_answer() {
    check(
        &[("user", "hello"), ("assistant", "world")],
        expect![[r#"
        <s><|role|>user
        hello<|eot|>
        <|role|>assistant
        [world<|eot|>]
    "#]],
    );
}

#[test]
fn several_answers_and_a_last_question() {
    check(
        &[("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"), ("user", "e")],
        expect![[r#"
        <s><|role|>system
        s<|eot|>
        <|role|>user
        a<|eot|>
        <|role|>assistant
        [b<|eot|>]
        <|role|>user
        c<|eot|>
        <|role|>assistant
        [d<|eot|>]
        <|role|>user
        e<|eot|>
    "#]],
    );
}

#[test]
fn a_token_never_straddles_prompt_and_answer() {
    // "\n" + "\n" is one entry of this vocabulary; the prompt ends with the first, the answer begins with the second.
    let tokenizer = small::tokenizer();
    let template = ChatTemplate::from_folder(small::folder().path()).unwrap().unwrap();
    let turns = messages(&[("user", "q"), ("assistant", "\nanswer")]);
    let encoded = encode_conversation(&tokenizer, &template, &turns, &RenderOptions::default()).unwrap();
    let prompt = RenderOptions { add_generation_prompt: true, ..RenderOptions::default() };
    let prompt = tokenizer.encode(&template.render(&turns[..1], &prompt).unwrap(), false).unwrap();
    assert_eq!(encoded.ids[..encoded.answers[0].start], prompt);
    assert_eq!(tokenizer.decode_with_special(&encoded.ids[encoded.answers[0].clone()]), "\nanswer<|eot|>");
    let whole = template.render(&turns, &RenderOptions::default()).unwrap();
    assert_ne!(tokenizer.encode(&whole, false).unwrap(), encoded.ids);
}

#[test]
fn the_real_templates_mark_their_answers() {
    let Some(folder) = shared("tokenizers") else { return };
    for (family, expected) in [("llama-3.2", "[fine<|eot_id|>]<|start"), ("qwen2.5", "[fine<|im_end|>]\n<|im_start")] {
        let tokenizer = Tokenizer::from_folder(&folder.join(family)).unwrap();
        let template = ChatTemplate::from_folder(&folder.join(family)).unwrap().unwrap();
        let turns = [("user", "hi"), ("assistant", "fine"), ("user", "why"), ("assistant", "so")];
        let text = marked(&tokenizer, &template, &turns).unwrap();
        assert!(text.contains(expected), "{family}: {text}");
        assert_eq!(text.matches('[').count(), 2);
    }
}

#[test]
fn a_sentence_piece_vocabulary_marks_its_answers() {
    let Some(folder) = shared("models/stories260K") else { return };
    let tokenizer = Tokenizer::from_folder(&folder).unwrap();
    let template = ChatTemplate::plain(&tokenizer).unwrap();
    let text = marked(&tokenizer, &template, &[("user", "Once upon"), ("assistant", "a time")]).unwrap();
    assert!(text.ends_with("assistant\n[a time</s>]\n"), "{text:?}");
}

#[test]
fn what_cannot_be_marked_is_an_error() {
    let tokenizer = small::tokenizer();
    let template = ChatTemplate::from_folder(small::folder().path()).unwrap().unwrap();
    let error = marked(&tokenizer, &template, &[("user", "a")]).unwrap_err();
    assert!(matches!(error, Error::NoAnswer { messages: 1 }));
    // Prints how many messages there are, so that a beginning changes when a message follows.
    let counting = ChatTemplate::new("{{ messages|length }}{% for m in messages %}{{ m.content }}{% endfor %}", Vec::new()).unwrap();
    let error = marked(&tokenizer, &counting, &[("user", "a"), ("assistant", "b")]).unwrap_err();
    assert!(matches!(error, Error::NotPrefix { message: 1 }));
    assert!(error.hint().is_some());
}
