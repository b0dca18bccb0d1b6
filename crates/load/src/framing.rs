//! Where an HTTP/1.1 answer's head ends and where its body ends (RFC 9112): bytes in as they are read, body bytes out, in any
//! split. Only what a client of streams needs: no upgrades, no compression, trailers are skipped.
//!
//! Everything a server can make grow is bounded; what breaks the protocol is a [`Failure`], never a panic.

use crate::{Failure, failure::excerpt};

/// Longest head taken, informational ones (status 1xx) included.
const HEAD_LIMIT: usize = 64 << 10;
/// Most header fields of a head.
const FIELDS: usize = 128;
/// Longest line with a chunk's size, extensions included.
const SIZE_LINE_LIMIT: u32 = 4 << 10;
/// Most bytes of trailers.
const TRAILER_LIMIT: u32 = 64 << 10;

/// What an answer's head says of its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    /// The content type, when there is one.
    pub(crate) content_type: Option<String>,
    pub(crate) body: Body,
    /// The connection may carry another request after this answer.
    pub(crate) keep: bool,
}

/// Collects a head, which may come in any pieces.
#[derive(Debug, Default)]
pub(crate) struct HeadReader {
    bytes: Vec<u8>,
}

impl HeadReader {
    /// Takes what was read; gives the head and how many of `bytes` belong to it, once it is whole.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Option<(Head, usize)>, Failure> {
        // A head that comes whole is not copied.
        let first = self.bytes.is_empty();
        let searched = self.bytes.len().saturating_sub(3);
        let whole: &[u8] = if first {
            bytes
        } else {
            self.bytes.extend_from_slice(&bytes[..bytes.len().min(HEAD_LIMIT)]);
            &self.bytes
        };
        let before = if first { 0 } else { whole.len() - bytes.len().min(HEAD_LIMIT) };
        // Whether it is HTTP at all is told from its first bytes; after that only at a possible end.
        let parsed = if first || has_blank_line(&whole[searched.min(whole.len())..]) { parse(whole)? } else { None };
        if let Some((head, length)) = parsed {
            return Ok(Some((head, length.saturating_sub(before))));
        }
        if whole.len() > HEAD_LIMIT {
            return Err(Failure::NotHttp(format!("a head of more than {HEAD_LIMIT} bytes")));
        }
        if first {
            self.bytes.extend_from_slice(bytes);
        }
        Ok(None)
    }

    /// The connection has ended before the head did.
    pub(crate) fn end(&self) -> Failure {
        match parse(&self.bytes) {
            Err(failure) => failure,
            // What cannot be the beginning of an answer is another protocol.
            Ok(_) if !self.bytes.is_empty() && !b"HTTP/1.".starts_with(&self.bytes[..self.bytes.len().min(7)]) => {
                Failure::NotHttp(excerpt(&self.bytes))
            }
            Ok(_) => Failure::ClosedEarly,
        }
    }

    /// Nothing of an answer has come.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

fn has_blank_line(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\n\n") || bytes.windows(3).any(|three| three == b"\n\r\n")
}

/// The final head in `bytes` and where it ends; informational answers before it are skipped.
fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, Failure> {
    let mut from = 0;
    loop {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        let parsed = response.parse(&bytes[from..]).map_err(|error| Failure::NotHttp(error.to_string().to_lowercase()))?;
        let httparse::Status::Complete(length) = parsed else { return Ok(None) };
        from += length;
        let status = response.code.unwrap_or(0);
        if status == 101 {
            return Err(Failure::NotHttp("it switches to another protocol".to_owned()));
        }
        if !(100..200).contains(&status) {
            return Ok(Some((head(status, response.version == Some(1), response.headers)?, from)));
        }
    }
}

fn head(status: u16, version_1_1: bool, fields: &[httparse::Header<'_>]) -> Result<Head, Failure> {
    let mut head = Head { status, content_type: None, body: Body::to_close(), keep: version_1_1 };
    let (mut length, mut chunked) = (None, false);
    for field in fields {
        let is = |name: &str| field.name.eq_ignore_ascii_case(name);
        let value = field.value.trim_ascii();
        if is("content-type") {
            head.content_type = Some(excerpt(value));
        } else if is("content-length") {
            length = Some(content_length(value, length)?);
        } else if is("transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Failure::NotHttp(format!("transfer coding {}", excerpt(value))));
            }
            chunked = true;
        } else if is("connection") {
            let says = |word: &[u8]| value.split(|&byte| byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(word));
            head.keep = !says(b"close") && (head.keep || says(b"keep-alive"));
        }
    }
    // RFC 9112, section 6.3: the order of what decides.
    match length {
        _ if matches!(status, 204 | 304) => head.body = Body::exactly(0),
        length if chunked => {
            head.body = Body::chunked();
            head.keep &= length.is_none();
        }
        Some(length) => head.body = Body::exactly(length),
        None => head.keep = false,
    }
    Ok(head)
}

fn content_length(value: &[u8], before: Option<u64>) -> Result<u64, Failure> {
    let bad = || Failure::NotHttp(format!("content-length {}", excerpt(value)));
    // `parse` alone would take a sign.
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let length = std::str::from_utf8(value).ok().filter(|_| digits).and_then(|text| text.parse().ok()).ok_or_else(bad)?;
    if before.is_some_and(|before| before != length) { Err(bad()) } else { Ok(length) }
}

/// A body that is being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Body(State);

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// So many bytes are to come.
    Exactly(u64),
    /// All that comes, until the connection ends.
    ToClose,
    /// In a line with a chunk's size.
    Size { size: u64, digits: u32, extension: bool, length: u32 },
    /// In a chunk, so many bytes before its end.
    Chunk(u64),
    /// At the line end behind a chunk.
    ChunkEnd { cr: bool },
    /// Behind the last chunk: in a trailer line of so many bytes, after `seen` in all.
    Trailer { line: u32, seen: u32 },
    /// It has ended.
    Done,
}

const SIZE: State = State::Size { size: 0, digits: 0, extension: false, length: 0 };

impl Body {
    fn exactly(length: u64) -> Self {
        Self(if length == 0 { State::Done } else { State::Exactly(length) })
    }

    fn to_close() -> Self {
        Self(State::ToClose)
    }

    fn chunked() -> Self {
        Self(SIZE)
    }

    /// Whether it has ended.
    pub(crate) fn is_done(&self) -> bool {
        self.0 == State::Done
    }

    /// The connection has ended: whether that was the body's end as well.
    pub(crate) fn ends_here(&self) -> bool {
        matches!(self.0, State::Done | State::ToClose)
    }

    /// Takes what was read and appends the body's share of it to `out`; returns how many bytes belong to the answer, all of
    /// them unless the body has ended.
    pub(crate) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, Failure> {
        let mut at = 0;
        while at < bytes.len() && !self.is_done() {
            at += self.step(&bytes[at..], out)?;
        }
        Ok(at)
    }

    /// Takes at least one byte of `bytes`, which are not empty.
    fn step(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, Failure> {
        match &mut self.0 {
            State::ToClose => {
                out.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            State::Exactly(left) => {
                let taken = take(left, bytes, out);
                if *left == 0 {
                    self.0 = State::Done;
                }
                Ok(taken)
            }
            State::Chunk(left) => {
                let taken = take(left, bytes, out);
                if *left == 0 {
                    self.0 = State::ChunkEnd { cr: false };
                }
                Ok(taken)
            }
            State::Done => Ok(bytes.len()),
            _ => {
                self.line(bytes[0])?;
                Ok(1)
            }
        }
    }

    /// One byte between chunks.
    fn line(&mut self, byte: u8) -> Result<(), Failure> {
        let bad = |what: &str| Err(Failure::NotHttp(what.to_owned()));
        match &mut self.0 {
            State::Size { size, digits, extension, length } => {
                *length += 1;
                match (byte, (byte as char).to_digit(16)) {
                    _ if *length > SIZE_LINE_LIMIT => return bad("a chunk size line without an end"),
                    (b'\n', _) if *digits == 0 => return bad("a chunk without a size"),
                    (b'\n', _) => self.0 = if *size == 0 { State::Trailer { line: 0, seen: 0 } } else { State::Chunk(*size) },
                    (_, Some(digit)) if !*extension => {
                        let Some(next) = size.checked_mul(16) else { return bad("a chunk size beyond 2^64") };
                        *size = next + u64::from(digit);
                        *digits += 1;
                    }
                    (b';' | b' ' | b'\t' | b'\r', _) if *digits > 0 => *extension = true,
                    _ if *extension => {}
                    _ => return bad("a chunk size that is no number"),
                }
            }
            State::ChunkEnd { cr } => match byte {
                b'\n' => self.0 = SIZE,
                b'\r' if !*cr => *cr = true,
                _ => return bad("a chunk longer than its size"),
            },
            State::Trailer { line, seen } => {
                *seen += 1;
                match byte {
                    _ if *seen > TRAILER_LIMIT => return bad("trailers without an end"),
                    b'\n' if *line == 0 => self.0 = State::Done,
                    b'\n' => *line = 0,
                    b'\r' => {}
                    _ => *line += 1,
                }
            }
            State::Exactly(_) | State::ToClose | State::Chunk(_) | State::Done => {}
        }
        Ok(())
    }
}

fn take(left: &mut u64, bytes: &[u8], out: &mut Vec<u8>) -> usize {
    let taken = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
    out.extend_from_slice(&bytes[..taken]);
    *left -= taken as u64;
    taken
}

#[cfg(test)]
#[path = "framing/tests.rs"]
mod tests;
