//! Reading requests: HTTP/1.1 from bytes that may be anything, and of the body only what the mock needs. Bounded: what is too
//! large is refused before it is kept.

use serde::Deserialize;

/// Longest head of a request, in bytes.
const HEAD_LIMIT: usize = 64 << 10;
/// Longest body, in bytes: a prompt of some million words.
pub(super) const BODY_LIMIT: usize = 32 << 20;
/// Longest tag kept of a prompt, in bytes.
const TAG_LIMIT: usize = 64;

/// What stands at the front of the bytes read so far.
#[derive(Debug, PartialEq)]
pub(super) enum Front {
    /// Not all of a request yet.
    Partial,
    /// One request, which takes so many bytes.
    Whole(Incoming, usize),
    /// No request that this server reads: status and reason. The connection is of no further use.
    Refused(u16, &'static str),
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Incoming {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Vec<u8>,
    /// The client wants the connection closed after the answer.
    pub(super) close: bool,
}

/// The methods that mean something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Other,
}

/// Looks at what has been read of a connection.
pub(super) fn front(bytes: &[u8]) -> Front {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut headers);
    let length = match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) if length <= HEAD_LIMIT => length,
        Ok(httparse::Status::Partial) if bytes.len() <= HEAD_LIMIT => return Front::Partial,
        Ok(_) => return Front::Refused(431, "the head is too long"),
        Err(httparse::Error::TooManyHeaders) => return Front::Refused(431, "too many headers"),
        Err(_) => return Front::Refused(400, "no HTTP/1.1 request"),
    };
    let mut body = BodyLength::Known(0);
    let mut close = head.version == Some(0);
    for header in head.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            match std::str::from_utf8(header.value).ok().and_then(|text| text.trim().parse::<usize>().ok()) {
                Some(length) if length <= BODY_LIMIT => body = BodyLength::Known(length),
                Some(_) => return Front::Refused(413, "the body is too long"),
                None => return Front::Refused(400, "content-length is no number"),
            }
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            body = BodyLength::Chunked;
        } else if header.name.eq_ignore_ascii_case("connection") {
            close = header.value.to_ascii_lowercase().windows(5).any(|window| window == b"close");
        }
    }
    let method = match head.method {
        Some("GET") => Method::Get,
        Some("POST") => Method::Post,
        _ => Method::Other,
    };
    let path = head.path.unwrap_or_default().to_owned();
    let rest = &bytes[length..];
    let (body, taken) = match body {
        BodyLength::Known(n) if rest.len() < n => return Front::Partial,
        BodyLength::Known(n) => (rest[..n].to_vec(), n),
        BodyLength::Chunked => match unchunk(rest) {
            Unchunked::Partial => return Front::Partial,
            Unchunked::Whole(body, taken) => (body, taken),
            Unchunked::Bad(status, reason) => return Front::Refused(status, reason),
        },
    };
    Front::Whole(Incoming { method, path, body, close }, length + taken)
}

enum BodyLength {
    Known(usize),
    Chunked,
}

enum Unchunked {
    Partial,
    Whole(Vec<u8>, usize),
    Bad(u16, &'static str),
}

/// Takes a chunked body apart (RFC 9112, section 7.1). Trailers are read over.
fn unchunk(bytes: &[u8]) -> Unchunked {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let (line, size) = match httparse::parse_chunk_size(&bytes[at..]) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) => return Unchunked::Partial,
            Err(_) => return Unchunked::Bad(400, "a chunk has no size"),
        };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size > BODY_LIMIT - body.len() {
            return Unchunked::Bad(413, "the body is too long");
        }
        at += line;
        if size == 0 {
            return trailers(&bytes[at..]).map_or(Unchunked::Partial, |taken| Unchunked::Whole(body, at + taken));
        }
        let Some(chunk) = bytes.get(at..at + size + 2) else { return Unchunked::Partial };
        if &chunk[size..] != b"\r\n" {
            return Unchunked::Bad(400, "a chunk is longer than it says");
        }
        body.extend_from_slice(&chunk[..size]);
        at += size + 2;
    }
}

/// The length of what follows the last chunk, with its empty line.
fn trailers(bytes: &[u8]) -> Option<usize> {
    if bytes.starts_with(b"\r\n") {
        return Some(2);
    }
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

/// What a completion asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) chat: bool,
    pub(super) stream: bool,
    pub(super) usage: bool,
    pub(super) max_tokens: Option<u32>,
    pub(super) prompt_tokens: u32,
    pub(super) tag: String,
}

#[derive(Deserialize)]
struct Fields {
    #[serde(default)]
    stream: bool,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    messages: Vec<Message>,
    prompt: Option<Prompt>,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Deserialize)]
struct Message {
    content: Option<Content>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Prompt {
    Text(String),
    Texts(Vec<String>),
    Ids(Vec<u32>),
}

/// Reads a completion's body.
///
/// # Errors
/// Why it is none, for the error object.
pub(super) fn ask(chat: bool, body: &[u8]) -> Result<Ask, String> {
    let fields: Fields = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let (tag, prompt_tokens) = if chat {
        let texts: Vec<&str> = fields.messages.iter().flat_map(Message::texts).collect();
        if texts.is_empty() {
            return Err("messages hold no text".to_owned());
        }
        (tag(texts.last().copied().unwrap_or_default()), texts.iter().map(|text| words(text)).sum())
    } else {
        match &fields.prompt {
            Some(Prompt::Text(text)) => (tag(text), words(text)),
            Some(Prompt::Texts(texts)) => {
                (texts.first().map_or_else(String::new, |text| tag(text)), texts.iter().map(|text| words(text)).sum())
            }
            Some(Prompt::Ids(ids)) => (ids.first().map_or_else(String::new, u32::to_string), ids.len() as u32),
            None => return Err("there is no prompt".to_owned()),
        }
    };
    Ok(Ask {
        chat,
        stream: fields.stream,
        usage: fields.stream_options.is_some_and(|options| options.include_usage),
        max_tokens: fields.max_completion_tokens.or(fields.max_tokens),
        prompt_tokens,
        tag,
    })
}

impl Message {
    fn texts(&self) -> Vec<&str> {
        match &self.content {
            Some(Content::Text(text)) => vec![text],
            Some(Content::Parts(parts)) => parts.iter().filter_map(|part| part.text.as_deref()).collect(),
            None => Vec::new(),
        }
    }
}

fn words(text: &str) -> u32 {
    text.split_whitespace().count() as u32
}

fn tag(text: &str) -> String {
    let word = text.split_whitespace().next().unwrap_or_default();
    let end = (0..=word.len().min(TAG_LIMIT)).rev().find(|&end| word.is_char_boundary(end)).unwrap_or(0);
    word[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POST: &[u8] = b"POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET";

    #[test]
    fn a_request_is_taken_when_all_of_it_is_there() {
        for end in 0..POST.len() - 3 {
            assert_eq!(front(&POST[..end]), Front::Partial, "{end}");
        }
        let body = b"abc".to_vec();
        let incoming = Incoming { method: Method::Post, path: "/v1/completions".into(), body, close: false };
        assert_eq!(front(POST), Front::Whole(incoming, POST.len() - 3));
    }

    #[test]
    fn a_chunked_body_is_joined() {
        let bytes = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n";
        for end in 0..bytes.len() {
            assert_eq!(front(&bytes[..end]), Front::Partial, "{end}");
        }
        let incoming = Incoming { method: Method::Post, path: "/".into(), body: b"abc".to_vec(), close: true };
        assert_eq!(front(bytes), Front::Whole(incoming, bytes.len()));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let refused = |bytes: &[u8], status: u16| assert!(matches!(front(bytes), Front::Refused(found, _) if found == status), "{bytes:?}");
        refused(b"SSH-2.0-OpenSSH\r\n", 400);
        refused(&vec![b'A'; HEAD_LIMIT + 1], 431);
        refused(b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n", 400);
        refused(b"POST / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n", 413);
        refused(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400);
        refused(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\n", 413);
        refused(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n", 400);
        refused(("GET / HTTP/1.1\r\n".to_owned() + &"a: b\r\n".repeat(80) + "\r\n").as_bytes(), 431);
    }

    #[test]
    fn of_a_body_what_matters_is_read() {
        let chat = ask(true, br#"{"messages":[{"role":"system","content":"be brief"},{"role":"user","content":"17 how"}],"max_tokens":5,"stream":true,"stream_options":{"include_usage":true},"x":1}"#);
        let expected = Ask { chat: true, stream: true, usage: true, max_tokens: Some(5), prompt_tokens: 4, tag: "17".into() };
        assert_eq!(chat.unwrap(), expected);
        let text = ask(false, br#"{"prompt":[5,6,7],"max_completion_tokens":2}"#).unwrap();
        assert_eq!((text.tag.as_str(), text.prompt_tokens, text.max_tokens, text.stream), ("5", 3, Some(2), false));
        for body in ["", "[]", "{\"messages\":[]}", "{\"messages\":3}"] {
            assert!(ask(true, body.as_bytes()).is_err(), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), chat: bool) {
            let _ = front(&bytes);
            let _ = ask(chat, &bytes);
        }

        #[test]
        fn no_tail_of_a_good_head_is_a_panic(tail in proptest::collection::vec(any::<u8>(), 0..120), chunked: bool) {
            let kind = if chunked { "transfer-encoding: chunked" } else { "content-length: 40" };
            let mut bytes = format!("POST /v1/completions HTTP/1.1\r\n{kind}\r\n\r\n").into_bytes();
            bytes.extend(&tail);
            let _ = front(&bytes);
        }

        #[test]
        fn a_tag_is_a_short_word(text in ".{0,300}") {
            let tag = tag(&text);
            prop_assert!(tag.len() <= TAG_LIMIT && text.contains(&tag));
        }
    }
}
