//! From a model folder's `tokenizer.json` to GGUF metadata, as llama.cpp's converter writes it.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::{GgufVocabulary, token_type};
use crate::error::{Error, Result, read};
use crate::folder::{TokenName, TokenizerConfig, read_json};
use crate::pieces::byte_token;
use crate::pre::PreTokenizer;
use crate::{ChatTemplate, Tokenizer};

/// `tokenizer.json`, as far as GGUF has a place for it.
#[derive(Deserialize)]
struct TokenizerJson {
    added_tokens: Vec<AddedTokenJson>,
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    model: ModelJson,
}

#[derive(Deserialize)]
struct AddedTokenJson {
    id: u32,
    content: String,
    special: bool,
}

#[derive(Deserialize)]
struct ModelJson {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    byte_fallback: bool,
    unk_token: Option<String>,
    vocab: HashMap<String, u32>,
    merges: Vec<MergeJson>,
}

/// Older files write a merge as one string, newer ones as a pair.
#[derive(Deserialize)]
#[serde(untagged)]
enum MergeJson {
    Line(String),
    Pair(String, String),
}

impl GgufVocabulary {
    /// The metadata for a model folder's tokenizer and chat template. `rows` is the number of rows of the model's
    /// embedding: ids past the vocabulary are filled with unused entries, as the format wants one entry a row.
    ///
    /// # Errors
    ///
    /// What [`Tokenizer::from_folder`] and [`ChatTemplate::from_folder`] can say; [`Error::Tokenizer`] when the vocabulary
    /// is not BPE or has more entries than `rows`; [`Error::UnknownPreTokenizer`] when GGUF has no name for how it cuts.
    pub fn from_folder(folder: &Path, rows: usize) -> Result<Self> {
        let tokenizer = Tokenizer::from_folder(folder)?;
        let path = folder.join("tokenizer.json");
        let json: TokenizerJson = serde_json::from_slice(&read(&path)?).map_err(|source| Error::Json { path: path.clone(), source })?;
        let fail = |reason: String| Error::Tokenizer { origin: path.display().to_string(), reason };
        if json.model.kind.as_deref().is_some_and(|kind| kind != "BPE") {
            return Err(fail(format!("vocabulary of kind `{}`; only BPE can be written to GGUF", json.model.kind.unwrap_or_default())));
        }
        if tokenizer.vocabulary_size() > rows {
            return Err(fail(format!("{} entries for {rows} rows of the embedding", tokenizer.vocabulary_size())));
        }
        let config: TokenizerConfig = read_json(folder, "tokenizer_config.json")?.unwrap_or_default();
        let named = |name: &Option<TokenName>| name.as_ref().and_then(|name| tokenizer.token_id(name.text()));
        let (tokens, types) = entries(&json, rows);
        let merges: Vec<(String, String)> = json.model.merges.into_iter().map(MergeJson::pair).collect();
        let spelled = if json.model.byte_fallback {
            Spelling {
                model: "llama",
                pre: None,
                scores: Some(scores(&tokens, &merges)),
                merges: None,
                add_space_prefix: Some(prepends_space(json.normalizer.as_ref(), json.pre_tokenizer.as_ref())),
            }
        } else {
            let pre = PreTokenizer::of_patterns(&patterns(json.pre_tokenizer.as_ref()))?;
            let lines = merges.iter().map(|(left, right)| format!("{left} {right}")).collect();
            Spelling { model: "gpt2", pre: Some(pre.names[0].to_owned()), scores: None, merges: Some(lines), add_space_prefix: None }
        };
        let template = ChatTemplate::from_folder(folder)?;
        let (eot, eom) = further_ends(&tokenizer);
        Ok(Self {
            model: spelled.model.to_owned(),
            pre: spelled.pre,
            tokens,
            types: Some(types),
            scores: spelled.scores,
            merges: spelled.merges,
            bos: tokenizer.bos(),
            eos: tokenizer.eos().first().copied(),
            eot,
            eom,
            unknown: json.model.unk_token.as_deref().and_then(|token| tokenizer.token_id(token)),
            padding: named(&config.pad_token),
            add_bos: Some(tokenizer.adds_bos()),
            add_space_prefix: spelled.add_space_prefix,
            chat_template: template.map(|template| template.source().to_owned()),
        })
    }
}

/// GGUF has a place for three ends. The third is LLaMA 3's end of a message that calls a tool, where there is one.
fn further_ends(tokenizer: &Tokenizer) -> (Option<u32>, Option<u32>) {
    let rest = tokenizer.eos().get(1..).unwrap_or_default();
    let calls = rest.iter().position(|&id| tokenizer.token(id).as_deref() == Some("<|eom_id|>"));
    match calls.or((rest.len() > 1).then_some(1)) {
        Some(at) => (rest.iter().copied().enumerate().find(|(index, _)| *index != at).map(|(_, id)| id), Some(rest[at])),
        None => (rest.first().copied(), None),
    }
}

/// What differs between the two kinds of vocabulary.
struct Spelling {
    model: &'static str,
    pre: Option<String>,
    scores: Option<Vec<f32>>,
    merges: Option<Vec<String>>,
    add_space_prefix: Option<bool>,
}

impl MergeJson {
    fn pair(self) -> (String, String) {
        match self {
            Self::Pair(left, right) => (left, right),
            Self::Line(line) => match line.split_once(' ') {
                Some((left, right)) => (left.to_owned(), right.to_owned()),
                None => (line, String::new()),
            },
        }
    }
}

/// The entry and type of each id.
fn entries(json: &TokenizerJson, rows: usize) -> (Vec<String>, Vec<i32>) {
    let mut tokens: Vec<String> = (0..rows).map(|id| format!("[PAD{id}]")).collect();
    let mut types = vec![token_type::UNUSED; rows];
    let mut set = |id: u32, token: &str, kind: i32| {
        // The largest id is below `rows`: the caller has checked.
        if let (Some(entry), Some(slot)) = (tokens.get_mut(id as usize), types.get_mut(id as usize)) {
            token.clone_into(entry);
            *slot = kind;
        }
    };
    let fallback = json.model.byte_fallback;
    for (token, &id) in &json.model.vocab {
        let is_byte = fallback && byte_token(token).is_some();
        set(id, token, if is_byte { token_type::BYTE } else { token_type::NORMAL });
    }
    for token in &json.added_tokens {
        let unknown = fallback && json.model.unk_token.as_ref() == Some(&token.content);
        let kind = match (unknown, token.special) {
            (true, _) => token_type::UNKNOWN,
            (false, true) => token_type::CONTROL,
            (false, false) => token_type::USER_DEFINED,
        };
        set(token.id, &token.content, kind);
    }
    (tokens, types)
}

/// `SentencePiece` scores that merge in the order of the list: minus the position of the first merge that makes an entry.
/// Entries that no merge makes come last.
fn scores(tokens: &[String], merges: &[(String, String)]) -> Vec<f32> {
    let mut first: HashMap<String, usize> = HashMap::new();
    for (rank, (left, right)) in merges.iter().enumerate() {
        first.entry(format!("{left}{right}")).or_insert(rank);
    }
    tokens.iter().map(|token| -(first.get(token).copied().unwrap_or(merges.len()) as f32)).collect()
}

/// The regular expressions that a pre-tokenizer cuts by, in order.
fn patterns(pre: Option<&Value>) -> Vec<String> {
    let Some(pre) = pre else { return Vec::new() };
    let steps = match pre.get("pretokenizers").and_then(Value::as_array) {
        Some(steps) => steps.iter().collect(),
        None => vec![pre],
    };
    let mut found = Vec::new();
    for step in steps {
        match step.get("type").and_then(Value::as_str) {
            Some("Digits") if step.get("individual_digits") == Some(&Value::Bool(true)) => found.push(r"\p{N}".to_owned()),
            Some("ByteLevel") if step.get("use_regex") == Some(&Value::Bool(false)) => {}
            Some("ByteLevel") => found.push(PreTokenizer::built_in_pattern()),
            _ => match step.pointer("/pattern/Regex").and_then(Value::as_str) {
                Some(pattern) => found.push(pattern.to_owned()),
                None => found.push(step.to_string()),
            },
        }
    }
    found
}

fn prepends_space(normalizer: Option<&Value>, pre: Option<&Value>) -> bool {
    let steps = |value: &Value| value.get("normalizers").and_then(Value::as_array).cloned().unwrap_or_else(|| vec![value.clone()]);
    let prepend = |step: &Value| step.get("type").and_then(Value::as_str) == Some("Prepend");
    let metaspace = |value: &Value| {
        value.get("type").and_then(Value::as_str) == Some("Metaspace")
            && value.get("prepend_scheme").and_then(Value::as_str) != Some("never")
    };
    normalizer.is_some_and(|value| steps(value).iter().any(prepend)) || pre.is_some_and(metaspace)
}
