//! Recorded arrivals: trace files with one request a line, known by their first line and not by their name.
//!
//! Read line by line with bounds, so that no file, however odd, fills the memory. Not the prompts: traces hold lengths only, and
//! [`crate::prompts`] makes text of them.

mod azure;
mod lengths;
mod lines;
mod mooncake;
mod timestamp;

use std::{fs::File, io::Read, path::Path};

use serde::Serialize;
use units::Nanos;

use self::lines::Lines;
use crate::{Error, Result};

/// Tokens of one prefix block of a Mooncake trace.
pub const BLOCK_TOKENS: u32 = 512;

/// Most requests of one trace.
const MOST_REQUESTS: usize = 10_000_000;
/// Most tokens of one prompt or answer: far beyond any context, and its text still fits the memory.
const MOST_TOKENS: u64 = 1 << 24;

/// One recorded request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRequest {
    /// When it came, from the first request of the trace.
    pub at: Nanos,
    /// Tokens of its prompt, at least 1.
    pub input_tokens: u32,
    /// Tokens of its answer, at least 1.
    pub output_tokens: u32,
    /// The prompt's blocks of [`BLOCK_TOKENS`] tokens by content: prompts that begin with the same ids begin with the same text. Empty
    /// where the trace tells none.
    pub blocks: Vec<u64>,
}

/// A trace in order of arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// How the file was written.
    pub format: Format,
    /// At least one request, by time.
    pub requests: Vec<TraceRequest>,
}

/// The formats that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// `TIMESTAMP,ContextTokens,GeneratedTokens`: Azure's LLM inference traces (Patel et al., Splitwise, ISCA 2024).
    Azure,
    /// One JSON object a line with `timestamp` in ms, `input_length`, `output_length` and `hash_ids` (Qin et al., Mooncake, FAST 2025).
    Mooncake,
    /// `arrival_ns,input_tokens,output_tokens`.
    Lengths,
}

/// What reads one line of a format: the time in nanoseconds from whatever origin, and the lengths.
type ReadLine = fn(&str) -> std::result::Result<Line, Fault>;

/// A line as read.
struct Line {
    at_ns: i128,
    input_tokens: u64,
    output_tokens: u64,
    blocks: Vec<u64>,
}

/// What is wrong with a line, and how to mend it.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    reason: String,
    hint: &'static str,
}

impl Fault {
    fn new(reason: impl Into<String>, hint: &'static str) -> Self {
        Self { reason: reason.into(), hint }
    }
}

/// Reads the first `most` requests of a file, or all of them.
///
/// # Errors
/// [`Error::Read`] when the file cannot be read; [`Error::Trace`] with the line that is of no known format, is longer than a megabyte, or
/// holds what is no request.
pub fn read(path: &Path, most: Option<usize>) -> Result<Trace> {
    let file = File::open(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    read_from(file, path, most)
}

/// The same from any reader; `path` is what errors name.
///
/// # Errors
/// Those of [`read`].
pub fn read_from(file: impl Read, path: &Path, most: Option<usize>) -> Result<Trace> {
    let mut lines = Lines::new(file, path);
    let most = most.unwrap_or(MOST_REQUESTS);
    let first = lines.next()?.unwrap_or_default();
    let Some((format, read_line)) = known(&first) else {
        return Err(lines.fault(Fault::new(
            format!("{} is the first line of no known trace", lines::excerpt(&first)),
            "known are `TIMESTAMP,ContextTokens,GeneratedTokens`, `arrival_ns,input_tokens,output_tokens`, and Mooncake's JSON lines",
        )));
    };
    let mut read = Vec::new();
    let mut next = if format == Format::Mooncake { Some(first) } else { lines.next()? };
    while let Some(line) = next.filter(|_| read.len() < most) {
        if read.len() == MOST_REQUESTS {
            return Err(lines.fault(Fault::new(format!("more than {MOST_REQUESTS} requests"), "replay a part of it: --requests N")));
        }
        let request = read_line(&line).and_then(check).map_err(|fault| lines.fault(fault))?;
        read.push(request);
        next = lines.next()?;
    }
    if read.is_empty() {
        return Err(lines.fault(Fault::new("the trace holds no request", "a trace has one request a line")));
    }
    Ok(Trace { format, requests: by_time(read) })
}

fn known(first: &str) -> Option<(Format, ReadLine)> {
    let header: String = first.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
    match header.as_str() {
        azure::HEADER => Some((Format::Azure, azure::read_line)),
        lengths::HEADER => Some((Format::Lengths, lengths::read_line)),
        _ if header.starts_with('{') => Some((Format::Mooncake, mooncake::read_line)),
        _ => None,
    }
}

fn check(line: Line) -> std::result::Result<Line, Fault> {
    const HINT: &str = "a request reads and writes at least one token; mend or remove the line";
    for (what, tokens) in [("prompt", line.input_tokens), ("answer", line.output_tokens)] {
        if tokens == 0 || tokens > MOST_TOKENS {
            return Err(Fault::new(format!("the {what} has {tokens} tokens, not 1 to {MOST_TOKENS}"), HINT));
        }
    }
    Ok(line)
}

/// In order of time, which traces merged from several machines are not always in; the first comes at 0.
fn by_time(mut lines: Vec<Line>) -> Vec<TraceRequest> {
    lines.sort_by_key(|line| line.at_ns);
    let origin = lines.first().map_or(0, |line| line.at_ns);
    let request = |line: Line| TraceRequest {
        at: Nanos(u64::try_from(line.at_ns - origin).unwrap_or(u64::MAX)),
        input_tokens: line.input_tokens as u32,
        output_tokens: line.output_tokens as u32,
        blocks: line.blocks,
    };
    lines.into_iter().map(request).collect()
}

/// Three comma-separated fields of a line.
fn three<'a>(line: &'a str, header: &str) -> std::result::Result<[&'a str; 3], Fault> {
    const HINT: &str = "each line has a time and two token counts, separated by commas";
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    fields.try_into().map_err(|fields: Vec<&str>| Fault::new(format!("{} fields instead of the 3 of {header}", fields.len()), HINT))
}

/// A whole number of at least 0.
fn whole(what: &str, text: &str) -> std::result::Result<u64, Fault> {
    text.parse().map_err(|_| Fault::new(format!("{what} is {}, not a whole number", lines::excerpt(text)), "mend or remove the line"))
}

#[cfg(test)]
mod tests;
