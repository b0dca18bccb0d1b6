//! The bytes of answers: HTTP heads, chunk framing, server-sent events in OpenAI's shape. What is the same for every event of
//! a request is prepared once; an event is then three copies. Nothing is decided here.

use std::io::Write;

use super::{request::Ask, script::Usage};

/// The words of every answer, each one token: token `i` is word `i % 16`.
const WORDS: [&str; 16] = [
    " river", " market", " winter", " letter", " garden", " engine", " harbour", " village", " teacher", " summer", " bridge", " window",
    " forest", " council", " railway", " museum",
];

/// What an event of text says beside its tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    /// First token, and one after the last.
    pub(super) tokens: (u32, u32),
    pub(super) reasoning: bool,
    /// The `finish_reason`, in the last event.
    pub(super) finish: Option<&'static str>,
    /// The JSON is cut short.
    pub(super) malformed: bool,
}

/// Writes the events of one request.
#[derive(Debug)]
pub(super) struct Pen {
    chat: bool,
    /// `data: {"id":…,"choices":`
    head: Vec<u8>,
    scratch: Vec<u8>,
}

impl Pen {
    /// For request `index`. `model` is quoted JSON.
    pub(super) fn new(chat: bool, index: u32, model: &str) -> Self {
        let (id, object) = if chat { ("chatcmpl", "chat.completion.chunk") } else { ("cmpl", "text_completion") };
        let head = format!(r#"data: {{"id":"{id}-{index:010}","object":"{object}","created":0,"model":{model},"choices":"#);
        Self { chat, head: head.into_bytes(), scratch: Vec::with_capacity(320) }
    }

    /// An event that holds the role alone.
    pub(super) fn role(&mut self, out: &mut Vec<u8>) {
        let choice: &[u8] = if self.chat {
            br#"[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]"#
        } else {
            br#"[{"index":0,"text":"","logprobs":null,"finish_reason":null}]"#
        };
        self.event(out, &[choice, b"}\n\n"]);
    }

    /// An event with text.
    pub(super) fn text(&mut self, text: Text, out: &mut Vec<u8>) {
        let open: &[u8] = match (self.chat, text.reasoning) {
            (true, false) => br#"[{"index":0,"delta":{"content":""#,
            (true, true) => br#"[{"index":0,"delta":{"reasoning_content":""#,
            (false, _) => br#"[{"index":0,"text":""#,
        };
        let close: &[u8] = match (self.chat, text.finish) {
            _ if text.malformed => b"\n\n",
            (true, None) => b"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
            (true, Some(_)) => b"\"},\"logprobs\":null,\"finish_reason\":\"",
            (false, None) => b"\",\"logprobs\":null,\"finish_reason\":null}]}\n\n",
            (false, Some(_)) => b"\",\"logprobs\":null,\"finish_reason\":\"",
        };
        self.scratch.clear();
        self.scratch.extend_from_slice(&self.head);
        self.scratch.extend_from_slice(open);
        for token in text.tokens.0..text.tokens.1 {
            self.scratch.extend_from_slice(word(token).as_bytes());
        }
        self.scratch.extend_from_slice(close);
        if let Some(finish) = text.finish.filter(|_| !text.malformed) {
            self.scratch.extend_from_slice(finish.as_bytes());
            self.scratch.extend_from_slice(b"\"}]}\n\n");
        }
        chunk(&self.scratch, out);
    }

    /// The event with the usage alone.
    pub(super) fn usage(&mut self, counts: &Counts, out: &mut Vec<u8>) {
        let usage = counts.json();
        self.event(out, &[b"[],\"usage\":", usage.as_bytes(), b"}\n\n"]);
    }

    fn event(&mut self, out: &mut Vec<u8>, parts: &[&[u8]]) {
        self.scratch.clear();
        self.scratch.extend_from_slice(&self.head);
        for part in parts {
            self.scratch.extend_from_slice(part);
        }
        chunk(&self.scratch, out);
    }
}

/// The end of a stream: OpenAI's last event and HTTP's last chunk.
pub(super) fn done(out: &mut Vec<u8>) {
    chunk(b"data: [DONE]\n\n", out);
    out.extend_from_slice(b"0\r\n\r\n");
}

/// The numbers of `usage`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) prompt: u32,
    pub(super) completion: u32,
    pub(super) cached: Option<u32>,
}

impl Counts {
    /// What is told of an answer of so many tokens; `None` when nothing is.
    pub(super) fn told(usage: Usage, prompt: u32, completion: u32, cached: Option<u32>) -> Option<Self> {
        match usage {
            Usage::True => Some(Self { prompt, completion, cached }),
            Usage::Lying => Some(Self { prompt, completion: completion.saturating_mul(2).saturating_add(1), cached }),
            Usage::Missing => None,
        }
    }

    fn json(&self) -> String {
        let Self { prompt, completion, cached } = self;
        let total = u64::from(*prompt) + u64::from(*completion);
        let details = cached.map_or_else(String::new, |n| format!(r#","prompt_tokens_details":{{"cached_tokens":{n}}}"#));
        format!(r#"{{"prompt_tokens":{prompt},"total_tokens":{total},"completion_tokens":{completion}{details}}}"#)
    }
}

/// The head of a streamed answer.
pub(super) fn stream_head(content_type: Option<&str>, close: bool, out: &mut Vec<u8>) {
    let content_type = content_type.unwrap_or("text/event-stream; charset=utf-8");
    let close = if close { "connection: close\r\n" } else { "" };
    let _ = write!(
        out,
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncache-control: no-cache\r\n{close}transfer-encoding: chunked\r\n\r\n"
    );
}

/// A whole answer with its length.
pub(super) fn page(status: u16, content_type: &str, body: &str, close: bool, out: &mut Vec<u8>) {
    let close = if close { "connection: close\r\n" } else { "" };
    let retry = if status == 429 { "retry-after: 1\r\n" } else { "" };
    let (reason, length) = (reason(status), body.len());
    let _ =
        write!(out, "HTTP/1.1 {status} {reason}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n{retry}{close}\r\n{body}");
}

/// The API's error object.
pub(super) fn error(status: u16, message: &str) -> String {
    serde_json::json!({"error": {"message": message, "type": "mock_error", "param": null, "code": status}}).to_string()
}

/// An answer that is not streamed.
pub(super) fn whole(ask: &Ask, index: u32, model: &str, tokens: u32, reasoning: u32, counts: Option<Counts>) -> String {
    let text = |from: u32, to: u32| (from..to).map(word).collect::<String>();
    let quoted = |text: String| serde_json::Value::String(text).to_string();
    let usage = counts.map_or_else(String::new, |counts| format!(r#","usage":{}"#, counts.json()));
    let content = quoted(text(reasoning.min(tokens), tokens));
    let (id, object, choice) = if ask.chat {
        let thought =
            if reasoning == 0 { String::new() } else { format!(r#","reasoning_content":{}"#, quoted(text(0, reasoning.min(tokens)))) };
        ("chatcmpl", "chat.completion", format!(r#""message":{{"role":"assistant","content":{content}{thought}}}"#))
    } else {
        ("cmpl", "text_completion", format!(r#""text":{}"#, quoted(text(0, tokens))))
    };
    format!(
        r#"{{"id":"{id}-{index:010}","object":"{object}","created":0,"model":{model},"choices":[{{"index":0,{choice},"logprobs":null,"finish_reason":"length"}}]{usage}}}"#
    )
}

/// One chunk of HTTP/1.1.
fn chunk(payload: &[u8], out: &mut Vec<u8>) {
    let _ = write!(out, "{:x}\r\n", payload.len());
    out.extend_from_slice(payload);
    out.extend_from_slice(b"\r\n");
}

fn word(token: u32) -> &'static str {
    WORDS[token as usize % WORDS.len()]
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Scripted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The JSON of the one event in `out`.
    fn json(out: &[u8]) -> serde_json::Value {
        let text = std::str::from_utf8(out).unwrap();
        let (size, rest) = text.split_once("\r\n").unwrap();
        assert_eq!(usize::from_str_radix(size, 16).unwrap() + 2, rest.len());
        serde_json::from_str(rest.strip_prefix("data: ").unwrap().trim_end()).unwrap()
    }

    #[test]
    fn events_are_json_of_the_apis_shape() {
        for chat in [true, false] {
            let mut pen = Pen::new(chat, 7, "\"m\"");
            let text = Text { tokens: (1, 3), reasoning: false, finish: Some("length"), malformed: false };
            let mut out = Vec::new();
            pen.text(text, &mut out);
            let event = json(&out);
            let choice = &event["choices"][0];
            let found = if chat { &choice["delta"]["content"] } else { &choice["text"] };
            assert_eq!((found.as_str(), choice["finish_reason"].as_str()), (Some(" market winter"), Some("length")));
            assert!(event["id"].as_str().unwrap().ends_with("-0000000007"));
            out.clear();
            pen.text(Text { finish: None, ..text }, &mut out);
            assert!(json(&out)["choices"][0]["finish_reason"].is_null());
            out.clear();
            pen.role(&mut out);
            assert!(json(&out)["choices"].is_array());
            out.clear();
            pen.usage(&Counts { prompt: 3, completion: 4, cached: Some(2) }, &mut out);
            assert_eq!(json(&out)["usage"]["total_tokens"], 7);
            assert_eq!(json(&out)["usage"]["prompt_tokens_details"]["cached_tokens"], 2);
        }
    }

    #[test]
    fn a_malformed_event_is_no_json() {
        let mut out = Vec::new();
        Pen::new(true, 0, "\"m\"").text(Text { tokens: (0, 1), reasoning: false, finish: None, malformed: true }, &mut out);
        assert!(out.ends_with(b" river\n\n\r\n"));
    }

    #[test]
    fn an_answer_in_one_piece_is_json_too() {
        let ask = |chat| Ask { chat, stream: false, usage: false, max_tokens: None, prompt_tokens: 1, tag: String::new() };
        let counts = Counts::told(Usage::Lying, 1, 3, None);
        let chat: serde_json::Value = serde_json::from_str(&whole(&ask(true), 0, "\"m\"", 3, 1, counts)).unwrap();
        assert_eq!(chat["choices"][0]["message"]["content"], " market winter");
        assert_eq!(chat["choices"][0]["message"]["reasoning_content"], " river");
        assert_eq!(chat["usage"]["completion_tokens"], 7);
        let text: serde_json::Value = serde_json::from_str(&whole(&ask(false), 0, "\"m\"", 2, 0, None)).unwrap();
        assert_eq!((&text["choices"][0]["text"], &text["usage"]), (&" river market".into(), &serde_json::Value::Null));
    }
}
