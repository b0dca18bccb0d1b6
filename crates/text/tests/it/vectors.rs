//! Ids and rendered conversations agree with the reference tokenizers and with Jinja2.

use text::{ChatTemplate, Message, RenderOptions, Tokenizer};

use crate::{ids, shared, shared_lines};

const FAMILIES: [&str; 2] = ["llama-3.2", "qwen2.5"];

#[test]
fn texts_have_the_reference_ids() {
    let Some(vectors) = shared_lines("tokenizers/test_vectors.jsonl") else { return };
    for family in FAMILIES {
        let tokenizer = Tokenizer::from_folder(&shared("tokenizers").unwrap().join(family)).unwrap();
        for vector in &vectors {
            let text = vector["text"].as_str().unwrap();
            let expected = ids(&vector[family]);
            assert_eq!(tokenizer.encode(text, false).unwrap(), expected, "{family}: {text:?}");
            let with_bos = vector.get(format!("{family}_with_bos")).map_or(expected.clone(), ids);
            assert_eq!(tokenizer.encode(text, true).unwrap(), with_bos, "{family}: {text:?}");
        }
    }
    assert_eq!(vectors.len(), 32);
}

#[test]
fn conversations_have_the_reference_text_and_ids() {
    let Some(vectors) = shared_lines("tokenizers/chat_template_vectors.jsonl") else { return };
    for family in FAMILIES {
        let folder = shared("tokenizers").unwrap().join(family);
        let tokenizer = Tokenizer::from_folder(&folder).unwrap();
        let template = ChatTemplate::from_folder(&folder).unwrap().unwrap();
        for vector in &vectors {
            let messages: Vec<Message> = serde_json::from_value(vector["messages"].clone()).unwrap();
            let options = RenderOptions {
                add_generation_prompt: vector["add_generation_prompt"].as_bool().unwrap(),
                date_string: vector[family]["date_string"].as_str().map(str::to_owned),
                ..RenderOptions::default()
            };
            let text = template.render(&messages, &options).unwrap();
            assert_eq!(text, vector[family]["text"].as_str().unwrap());
            assert_eq!(tokenizer.encode(&text, false).unwrap(), ids(&vector[family]["ids"]));
        }
    }
}

#[test]
fn ends_are_those_of_the_files() {
    let Some(folder) = shared("tokenizers") else { return };
    let llama = Tokenizer::from_folder(&folder.join("llama-3.2")).unwrap();
    assert_eq!((llama.bos(), llama.eos(), llama.adds_bos()), (Some(128_000), [128_009].as_slice(), true));
    assert_eq!(llama.vocabulary_size(), 128_256);
    let qwen = Tokenizer::from_folder(&folder.join("qwen2.5")).unwrap();
    assert_eq!((qwen.bos(), qwen.eos(), qwen.adds_bos()), (None, [151_645].as_slice(), false));
    assert_eq!(qwen.vocabulary_size(), 151_665);
    let stories = Tokenizer::from_folder(&folder.join("../models/stories260K")).unwrap();
    assert_eq!((stories.bos(), stories.eos(), stories.adds_bos()), (Some(1), [2].as_slice(), true));
}

#[test]
fn a_sentence_piece_model_decodes_to_its_reference_text() {
    let Some(folder) = shared("models/stories260K") else { return };
    let tokenizer = Tokenizer::from_folder(&folder).unwrap();
    let expected: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("expected_greedy.json")).unwrap()).unwrap();
    let generated = ids(&expected["greedy_ids_after_bos"]);
    assert_eq!(tokenizer.decode(&generated), expected["text"].as_str().unwrap());
    let mut stream = tokenizer.stream();
    let mut text: String = generated.iter().map(|&id| stream.push(id)).collect();
    text.push_str(&stream.finish());
    assert_eq!(text, expected["text"].as_str().unwrap());
}
