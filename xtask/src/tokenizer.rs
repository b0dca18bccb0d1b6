//! Trains the quickstart's tokenizer: byte-level BPE over the pretraining documents, in the `tokenizers` library's own file format, with
//! the chat template beside it. Numbers are split into groups of at most three digits, as in LLaMA 3.

use std::{fs, path::Path};

use anyhow::{Context, Result, anyhow};
use serde_json::json;
use tokenizers::{
    AddedToken, SplitDelimiterBehavior, Tokenizer, TokenizerBuilder,
    models::bpe::{BPE, BpeTrainer},
    normalizers::NFC,
    pre_tokenizers::{
        PreTokenizerWrapper,
        byte_level::ByteLevel,
        sequence::Sequence,
        split::{Split, SplitPattern},
    },
    processors::template::TemplateProcessing,
};

use crate::corpus::Document;

/// Entries, special tokens among them.
pub(crate) const VOCABULARY: usize = 2_048;
/// First token of every sequence.
pub(crate) const BEGIN: &str = "<|begin|>";
/// Ends a turn and a document.
pub(crate) const END: &str = "<|end|>";
/// Fills short rows of a batch.
pub(crate) const PAD: &str = "<|pad|>";
/// All special tokens; their ids are their places here.
const SPECIAL: [&str; 6] = [BEGIN, END, "<|system|>", "<|user|>", "<|assistant|>", PAD];

/// What [`train`] writes.
const FILES: [&str; 3] = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"];

/// Documents the tokenizer is trained on, from a seed that pretraining does not use.
const DOCUMENTS: usize = 20_000;
const SEED: u64 = 1;

/// How LLaMA 3 splits text before merging, as published in its `tokenizer.json`.
const SPLIT: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// A conversation as text. Each turn is its role's token, the words, and the end token.
const CHAT_TEMPLATE: &str = "{{- '<|begin|>' }}{%- for message in messages %}{{- '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|assistant|>' }}{%- endif %}";

/// Trains the tokenizer and writes `tokenizer.json`, `tokenizer_config.json` and `special_tokens_map.json` into `folder`.
///
/// # Errors
/// Training fails or the folder cannot be written.
pub(crate) fn train(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let mut trainer = BpeTrainer::builder()
        .vocab_size(VOCABULARY)
        .min_frequency(2)
        .show_progress(false)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .special_tokens(SPECIAL.iter().map(|token| AddedToken::from(*token, true)).collect())
        .build();
    let mut tokenizer = TokenizerBuilder::default()
        .with_model(BPE::default())
        .with_normalizer(None::<NFC>)
        .with_pre_tokenizer(Some(pre_tokenizer()?))
        .with_decoder(Some(ByteLevel::new(false, true, false)))
        .with_post_processor(None::<TemplateProcessing>)
        .build()
        .map_err(|e| anyhow!("{e}"))?;
    let texts = Document::stream(SEED).take(DOCUMENTS).map(|document| without_special(&document.text));
    tokenizer.train(&mut trainer, texts).map_err(|e| anyhow!("{e}"))?;
    tokenizer.with_post_processor(Some(begin_first()?));
    tokenizer.save(folder.join(FILES[0]), true).map_err(|e| anyhow!("{e}"))?;
    write_json(&folder.join(FILES[1]), &config())?;
    write_json(&folder.join(FILES[2]), &json!({"bos_token": BEGIN, "eos_token": END, "pad_token": PAD}))
}

/// Loads the tokenizer that [`train`] wrote.
///
/// # Errors
/// The file is absent or no tokenizer.
pub(crate) fn load(folder: &Path) -> Result<Tokenizer> {
    let path = folder.join("tokenizer.json");
    Tokenizer::from_file(&path).map_err(|e| anyhow!("{e}")).with_context(|| format!("reading {}", path.display()))
}

/// Copies the files of [`train`] beside a model.
///
/// # Errors
/// A file cannot be copied.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    for name in FILES.iter().filter(|_| from != to) {
        fs::copy(from.join(name), to.join(name)).with_context(|| format!("copying {name} to {}", to.display()))?;
    }
    Ok(())
}

fn pre_tokenizer() -> Result<Sequence> {
    let split = Split::new(SplitPattern::Regex(SPLIT.to_owned()), SplitDelimiterBehavior::Isolated, false).map_err(|e| anyhow!("{e}"))?;
    Ok(Sequence::new(vec![PreTokenizerWrapper::Split(split), PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, false))]))
}

/// Plain text begins with the begin token, as LLaMA's does; a rendered chat brings its own.
fn begin_first() -> Result<TemplateProcessing> {
    TemplateProcessing::builder()
        .try_single(format!("{BEGIN} $A"))
        .and_then(|builder| builder.try_pair(format!("{BEGIN} $A {BEGIN}:1 $B:1")))
        .map_err(|e| anyhow!("{e}"))?
        .special_tokens(vec![(BEGIN, 0)])
        .build()
        .map_err(|e| anyhow!("{e}"))
}

fn without_special(text: &str) -> String {
    SPECIAL.iter().fold(text.to_owned(), |text, token| text.replace(token, "\n"))
}

fn config() -> serde_json::Value {
    let decoder: serde_json::Map<_, _> = SPECIAL
        .iter()
        .enumerate()
        .map(|(id, token)| {
            let entry =
                json!({"content": token, "lstrip": false, "normalized": false, "rstrip": false, "single_word": false, "special": true});
            (id.to_string(), entry)
        })
        .collect();
    json!({
        "added_tokens_decoder": decoder,
        "bos_token": BEGIN,
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": false,
        "eos_token": END,
        "model_input_names": ["input_ids", "attention_mask"],
        "model_max_length": 512,
        "pad_token": PAD,
        "tokenizer_class": "PreTrainedTokenizerFast",
    })
}

fn write_json(path: &Path, value: &serde_json::Value) -> Result<()> {
    let text = serde_json::to_string_pretty(value)? + "\n";
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}
