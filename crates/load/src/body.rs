//! Request bodies, serialised once before the window opens. Fields as in the `OpenAI` API; `ignore_eos` is vLLM's and ours.

use bytes::Bytes;
use serde::Serialize;

use crate::{
    Body, Job, Message, Prompt,
    target::{Endpoint, Target},
};

/// A request ready to be written.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    pub(crate) item: String,
    pub(crate) path: hyper::Uri,
    pub(crate) bytes: Bytes,
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

/// Serialises one prompt of a job.
pub(crate) fn ready(job: &Job, target: &Target, prompt: &Prompt) -> Ready {
    let (endpoint, messages, text) = match &prompt.body {
        Body::Messages(messages) => (Endpoint::Chat, Some(messages.as_slice()), None),
        Body::Text(text) => (Endpoint::Completions, None, Some(Text::Text(text))),
        Body::Ids(ids) => (Endpoint::Completions, None, Some(Text::Ids(ids))),
    };
    let fields = Fields {
        model: &job.model,
        messages,
        prompt: text,
        max_tokens: prompt.max_tokens,
        temperature: job.sampling.temperature,
        seed: job.sampling.seed,
        ignore_eos: job.sampling.ignore_eos,
        stream: true,
        stream_options: StreamOptions { include_usage: true },
    };
    let bytes = serde_json::to_vec(&fields).expect("strings and numbers always serialise");
    Ready { item: prompt.item.clone(), path: target.path(endpoint), bytes: bytes.into() }
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
            prompts: vec![],
            concurrency: 1,
            sampling,
            timeout: Seconds(1.0),
            api_key: None,
        };
        let ready = ready(&job, &Target::parse(&job.url).unwrap(), &prompt);
        assert_eq!(ready.path, path);
        assert_eq!(std::str::from_utf8(&ready.bytes).unwrap(), expected);
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
    fn token_ids_go_to_completions_with_forced_length() {
        check(
            Body::Ids(vec![1, 2]),
            Sampling { temperature: Some(0.0), seed: Some(7), ignore_eos: true },
            "/v1/completions",
            r#"{"model":"m","prompt":[1,2],"max_tokens":8,"temperature":0.0,"seed":7,"ignore_eos":true,"stream":true,"stream_options":{"include_usage":true}}"#,
        );
    }
}
