//! The JSON that the two endpoints answer with, whole or in chunks, field by field as OpenAI's API reference has it.

use model::sampling::LogProb;
use serde_json::{Map, Value, json};
use text::Tokenizer;

use crate::request::{Finish, Piece, TokenLogprob};

/// What a probability of zero is shown as: JSON has no minus infinity.
const LEAST_LOGPROB: f64 = -9999.0;

/// Which endpoint's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    Chat,
    Completion,
}

/// Token counts of one response.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub(super) prompt: usize,
    pub(super) completion: usize,
}

/// One finished choice.
#[derive(Debug, Default)]
pub(super) struct Choice {
    pub(super) piece: Piece,
    pub(super) finish: Option<Finish>,
}

/// What all JSON of one response shares.
pub(super) struct Shape {
    pub(super) api: Api,
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) model: String,
    pub(super) tokenizer: Tokenizer,
    /// Whether log probabilities were asked for.
    pub(super) logprobs: bool,
    /// Whether a stream ends with its usage.
    pub(super) include_usage: bool,
}

impl Shape {
    /// The whole response.
    pub(super) fn whole(&self, choices: &[Choice], usage: Usage) -> Value {
        let object = match self.api {
            Api::Chat => "chat.completion",
            Api::Completion => "text_completion",
        };
        let choices = choices.iter().enumerate().map(|(index, choice)| self.choice(index, choice)).collect();
        let mut whole = self.envelope(object, choices);
        whole.insert("usage".into(), usage_json(usage));
        Value::Object(whole)
    }

    /// The first chunk of a chat: the role, and no text yet.
    pub(super) fn opening(&self) -> Option<Value> {
        let delta = json!({"role": "assistant", "content": ""});
        (self.api == Api::Chat).then(|| self.chunk(vec![json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": null})]))
    }

    /// A chunk of text.
    pub(super) fn piece(&self, index: usize, piece: &Piece) -> Value {
        let logprobs = self.logprobs_json(&piece.logprobs);
        self.chunk(vec![match self.api {
            Api::Chat => json!({"index": index, "delta": {"content": piece.text}, "logprobs": logprobs, "finish_reason": null}),
            Api::Completion => json!({"index": index, "text": piece.text, "logprobs": logprobs, "finish_reason": null}),
        }])
    }

    /// The last chunk of a choice.
    pub(super) fn finish(&self, index: usize, finish: Finish) -> Value {
        self.chunk(vec![match self.api {
            Api::Chat => json!({"index": index, "delta": {}, "logprobs": null, "finish_reason": finish.name()}),
            Api::Completion => json!({"index": index, "text": "", "logprobs": null, "finish_reason": finish.name()}),
        }])
    }

    /// The chunk after all choices, with the counts; only where they were asked for.
    pub(super) fn usage(&self, usage: Usage) -> Option<Value> {
        self.include_usage.then(|| {
            let mut chunk = self.chunk(Vec::new());
            chunk["usage"] = usage_json(usage);
            chunk
        })
    }

    fn chunk(&self, choices: Vec<Value>) -> Value {
        let object = match self.api {
            Api::Chat => "chat.completion.chunk",
            Api::Completion => "text_completion",
        };
        let mut chunk = self.envelope(object, choices);
        if self.include_usage {
            chunk.insert("usage".into(), Value::Null);
        }
        Value::Object(chunk)
    }

    fn envelope(&self, object: &str, choices: Vec<Value>) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("id".into(), self.id.as_str().into());
        map.insert("object".into(), object.into());
        map.insert("created".into(), self.created.into());
        map.insert("model".into(), self.model.as_str().into());
        map.insert("system_fingerprint".into(), concat!("edge-eval-", env!("CARGO_PKG_VERSION")).into());
        map.insert("choices".into(), choices.into());
        map
    }

    fn choice(&self, index: usize, choice: &Choice) -> Value {
        let finish = choice.finish.map(Finish::name);
        let logprobs = self.logprobs_json(&choice.piece.logprobs);
        let text = &choice.piece.text;
        match self.api {
            Api::Chat => {
                let message = json!({"role": "assistant", "content": text, "refusal": null});
                json!({"index": index, "message": message, "logprobs": logprobs, "finish_reason": finish})
            }
            Api::Completion => json!({"index": index, "text": text, "logprobs": logprobs, "finish_reason": finish}),
        }
    }

    fn logprobs_json(&self, tokens: &[TokenLogprob]) -> Value {
        match self.api {
            _ if !self.logprobs => Value::Null,
            Api::Chat => json!({"content": tokens.iter().map(|token| self.chat_token(token)).collect::<Vec<_>>(), "refusal": null}),
            Api::Completion => json!({
                "tokens": tokens.iter().map(|token| self.legacy_text(token.chosen.id)).collect::<Vec<_>>(),
                "token_logprobs": tokens.iter().map(|token| shown(token.chosen.logprob)).collect::<Vec<_>>(),
                "top_logprobs": tokens.iter().map(|token| self.legacy_top(token)).collect::<Vec<_>>(),
                "text_offset": tokens.iter().map(|token| token.offset).collect::<Vec<_>>(),
            }),
        }
    }

    fn chat_token(&self, token: &TokenLogprob) -> Value {
        let mut entry = self.chat_entry(token.chosen);
        entry["top_logprobs"] = token.top.iter().map(|top| self.chat_entry(*top)).collect();
        entry
    }

    fn chat_entry(&self, token: LogProb) -> Value {
        let bytes = self.tokenizer.token_bytes(token.id).unwrap_or_default();
        json!({"token": String::from_utf8_lossy(&bytes), "logprob": shown(token.logprob), "bytes": bytes})
    }

    fn legacy_top(&self, token: &TokenLogprob) -> Value {
        let mut top = Map::new();
        for likely in &token.top {
            // Two ids with one text: the likelier one counts.
            top.entry(self.legacy_text(likely.id)).or_insert_with(|| shown(likely.logprob).into());
        }
        Value::Object(top)
    }

    /// A token's text; part of a character is written out as `bytes:\xe2\x82`, so that tokens stay apart as keys.
    fn legacy_text(&self, id: u32) -> String {
        match String::from_utf8(self.tokenizer.token_bytes(id).unwrap_or_default()) {
            Ok(text) => text,
            Err(error) => error.as_bytes().iter().fold("bytes:".to_owned(), |text, byte| text + &format!("\\x{byte:02x}")),
        }
    }
}

fn shown(logprob: f32) -> f64 {
    f64::from(logprob).max(LEAST_LOGPROB)
}

fn usage_json(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
    })
}
