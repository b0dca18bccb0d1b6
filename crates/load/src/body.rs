//! Requests as the bytes that go over the wire, head and body, serialised once before the window opens. Fields as in the `OpenAI`
//! API; `ignore_eos` is vLLM's and ours.

use serde::Serialize;

use crate::{
    ApiKey, Body, Job, Message, Prompt, Sampling,
    target::{Endpoint, Target},
};

/// Bytes that a token takes in a stream, roughly, and the most that is set aside for one answer.
const BYTES_A_TOKEN: usize = 256;
const MOST_EXPECTED: usize = 64 << 10;

/// Most bytes taken of one answer: so many beside its tokens, so many a token, far more than any server needs, and never more
/// than the last. A server that never stops must not fill the memory.
const LIMIT_BESIDE: usize = 1 << 20;
const LIMIT_A_TOKEN: usize = 16 << 10;
const LIMIT: usize = 64 << 20;

/// A request ready to be written. Its bytes hold the API key, so it is not printed.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) item: String,
    pub(crate) bytes: Vec<u8>,
    /// Bytes that its answer may have, roughly.
    pub(crate) expected: usize,
    /// Most bytes taken of its answer.
    pub(crate) limit: usize,
}

/// What all requests of a job share, serialised once.
pub(crate) struct Template<'a> {
    model: &'a str,
    sampling: Sampling,
    chat: String,
    completions: String,
}

impl<'a> Template<'a> {
    /// `None` when the API key cannot stand in a header.
    pub(crate) fn new(job: &'a Job, target: &Target) -> Option<Self> {
        let key = job.api_key.as_ref().map(ApiKey::expose);
        if !key.is_none_or(|key| key.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte))) {
            return None;
        }
        let head = |endpoint| {
            let authorization = key.map_or_else(String::new, |key| format!("authorization: Bearer {key}\r\n"));
            format!(
                "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\naccept: text/event-stream\r\n\
                 user-agent: edge-eval/{version}\r\n{authorization}content-length: ",
                path = target.path(endpoint),
                host = target.authority,
                version = env!("CARGO_PKG_VERSION"),
            )
        };
        Some(Self { model: &job.model, sampling: job.sampling, chat: head(Endpoint::Chat), completions: head(Endpoint::Completions) })
    }

    /// Serialises one prompt.
    pub(crate) fn outgoing(&self, prompt: &Prompt) -> Outgoing {
        let head = match prompt.body {
            Body::Messages(_) | Body::Structured(..) => &self.chat,
            Body::Text(_) | Body::Ids(_) => &self.completions,
        };
        let body = self.body(prompt);
        let bytes = [head.as_bytes(), body.len().to_string().as_bytes(), b"\r\n\r\n", &body].concat();
        let tokens = prompt.max_tokens as usize;
        let expected = tokens.saturating_mul(BYTES_A_TOKEN).min(MOST_EXPECTED);
        let limit = tokens.saturating_mul(LIMIT_A_TOKEN).saturating_add(LIMIT_BESIDE).min(LIMIT);
        Outgoing { item: prompt.item.clone(), bytes, expected, limit }
    }

    fn body(&self, prompt: &Prompt) -> Vec<u8> {
        let (messages, text) = match &prompt.body {
            Body::Messages(messages) | Body::Structured(messages, _) => (Some(messages.as_slice()), None),
            Body::Text(text) => (None, Some(Text::Text(text))),
            Body::Ids(ids) => (None, Some(Text::Ids(ids))),
        };
        let response_format = if let Body::Structured(_, form) = &prompt.body { Some(form.as_ref()) } else { None };
        let fields = Fields {
            model: self.model,
            messages,
            prompt: text,
            max_tokens: prompt.max_tokens,
            temperature: self.sampling.temperature,
            seed: self.sampling.seed,
            ignore_eos: self.sampling.ignore_eos,
            response_format,
            stream: true,
            stream_options: StreamOptions { include_usage: true },
        };
        serde_json::to_vec(&fields).expect("strings and numbers always serialise")
    }
}

#[derive(Serialize)]
struct Fields<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<&'a [Message]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<Text<'a>>,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    ignore_eos: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<&'a serde_json::Value>,
    stream: bool,
    stream_options: StreamOptions,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Text<'a> {
    Text(&'a str),
    Ids(&'a [u32]),
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[cfg(test)]
mod tests {
    use units::Seconds;

    use super::*;
    use crate::Sampling;

    fn check(body: Body, sampling: Sampling, path: &str, expected: &str) {
        let prompt = Prompt { item: "q1".into(), body, max_tokens: 8 };
        let job = Job {
            url: "http://h:1".into(),
            model: "m".into(),
            warmup: vec![],
            drain: false,
            prompts: vec![],
            arrivals: vec![],
            streams: 1,
            max_streams: None,
            sampling,
            timeout: Seconds(1.0),
            api_key: Some(ApiKey::new("k")),
        };
        let target = Target::parse(&job.url).unwrap();
        let bytes = Template::new(&job, &target).unwrap().outgoing(&prompt).bytes;
        let text = std::str::from_utf8(&bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, expected);
        let lines: Vec<&str> = head.split("\r\n").collect();
        assert_eq!((lines[0], lines[1]), (format!("POST {path} HTTP/1.1").as_str(), "host: h:1"));
        assert_eq!(lines[5..], ["authorization: Bearer k", &format!("content-length: {}", body.len())]);
        let hostile = Job { api_key: Some(ApiKey::new("a\r\nb: c")), ..job };
        assert!(Template::new(&hostile, &target).is_none());
    }

    #[test]
    fn a_chat_request_asks_for_usage_and_sends_no_absent_field() {
        check(
            Body::Messages(vec![Message { role: "user".into(), content: "hi".into() }]),
            Sampling { temperature: None, seed: None, ignore_eos: false },
            "/v1/chat/completions",
            r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":8,"stream":true,"stream_options":{"include_usage":true}}"#,
        );
    }

    #[test]
    fn an_answer_may_be_given_a_form() {
        let form = serde_json::json!({"type": "json_object"});
        check(
            Body::Structured(vec![Message { role: "user".into(), content: "hi".into() }], form.into()),
            Sampling { temperature: Some(0.0), seed: None, ignore_eos: false },
            "/v1/chat/completions",
            r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":8,"temperature":0.0,"response_format":{"type":"json_object"},"stream":true,"stream_options":{"include_usage":true}}"#,
        );
    }

    #[test]
    fn token_ids_go_to_completions_with_forced_length() {
        check(
            Body::Ids(vec![1, 2]),
            Sampling { temperature: Some(0.0), seed: Some(7), ignore_eos: true },
            "/v1/completions",
            r#"{"model":"m","prompt":[1,2],"max_tokens":8,"temperature":0.0,"seed":7,"ignore_eos":true,"stream":true,"stream_options":{"include_usage":true}}"#,
        );
    }
}
