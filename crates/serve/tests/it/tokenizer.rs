//! A byte-level tokenizer as a model folder holds one: ids 0 to 255 are bytes, 256 begins a text and 257 ends an answer.

use serde_json::{Map, Value, json};
use text::{ChatTemplate, Tokenizer};

pub(crate) const BEGIN: u32 = 256;
pub(crate) const END: u32 = 257;
pub(crate) const VOCABULARY: usize = 258;

const TEMPLATE: &str = "{{ bos_token }}{% for m in messages %}{% if m.role == 'tool' %}{{ raise_exception('no tools here') }}{% endif %}\
                        {{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}";

/// GPT-2's spelling of a byte as a printable character.
fn spelling(byte: u8) -> String {
    let printable = |b: u32| (33..=126).contains(&b) || (161..=172).contains(&b) || (174..=255).contains(&b);
    let code = u32::from(byte);
    let hidden_before = (0..code).filter(|b| !printable(*b)).count() as u32;
    char::from_u32(if printable(code) { code } else { 256 + hidden_before }).unwrap().to_string()
}

pub(crate) fn load() -> (Tokenizer, ChatTemplate) {
    let folder = tempfile::tempdir().unwrap();
    let special = |id: u32, content: &str| json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true});
    let vocabulary: Map<String, Value> = (0..=255_u8).map(|byte| (spelling(byte), byte.into())).collect();
    let level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false});
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null,
        "added_tokens": [special(BEGIN, "<|begin|>"), special(END, "<|end|>")],
        "pre_tokenizer": level, "decoder": level,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<|begin|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {"<|begin|>": {"id": "<|begin|>", "ids": [BEGIN], "tokens": ["<|begin|>"]}},
        },
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocabulary, "merges": [],
        },
    });
    let config = json!({"bos_token": "<|begin|>", "eos_token": "<|end|>", "chat_template": TEMPLATE});
    std::fs::write(folder.path().join("tokenizer.json"), tokenizer.to_string()).unwrap();
    std::fs::write(folder.path().join("tokenizer_config.json"), config.to_string()).unwrap();
    let template = ChatTemplate::from_folder(folder.path()).unwrap().unwrap();
    (Tokenizer::from_folder(folder.path()).unwrap(), template)
}
