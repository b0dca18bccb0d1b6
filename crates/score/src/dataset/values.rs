//! Cuts a stream into its JSON values without reading more than one of them: by lines, or by the brackets of one big array.
//!
//! It only finds where a value ends; whether it is valid JSON is for the parser to say.

use std::io::{self, BufRead, Read};

use super::rows::Fault;

fn broken(what: &str) -> Fault {
    Fault::broken(format!("not valid JSON: {what}"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// One value a line.
    Lines,
    /// The elements of an array whose opening bracket has been read.
    Elements,
    /// Nothing more comes.
    Ended,
}

/// The values of a stream, one after the other.
pub(super) struct Splitter<R> {
    reader: R,
    layout: Layout,
    limit: usize,
    /// Lines begun so far.
    lines: u64,
    /// Line on which the last value begins.
    line: u64,
    /// Whether an element has been read, so that a comma is due.
    after_element: bool,
}

impl<R: BufRead> Splitter<R> {
    /// Looks at the first bytes to see the layout.
    pub(super) fn new(mut reader: R, limit: usize) -> io::Result<Self> {
        let head = reader.fill_buf()?;
        let start = if head.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let (layout, skipped) = match array_start(&head[start..]) {
            Some(skipped) => (Layout::Elements, start + skipped),
            None => (Layout::Lines, start),
        };
        let lines = 1 + newlines(&head[..skipped]);
        reader.consume(skipped);
        Ok(Self { reader, layout, limit, lines, line: lines, after_element: false })
    }

    /// Line on which the value that was read last begins, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The bytes of the next value; `None` at the end.
    pub(super) fn next_value(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        match self.layout {
            Layout::Lines => self.next_line(),
            Layout::Elements => self.next_element(),
            Layout::Ended => Ok(None),
        }
    }

    fn next_line(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        loop {
            let mut line = Vec::new();
            let read = (&mut self.reader).take(self.limit as u64 + 1).read_until(b'\n', &mut line).map_err(Fault::Io)?;
            self.line = self.lines;
            if read > self.limit {
                return Err(Fault::TooLarge { limit: self.limit });
            }
            if read == 0 {
                return Ok(None);
            }
            self.lines += 1;
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(line));
            }
        }
    }

    fn next_element(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let mut first = self.skip_space()?;
        self.line = self.lines;
        if first == Some(b',') && self.after_element {
            self.reader.consume(1);
            first = self.skip_space()?;
            self.line = self.lines;
        } else if self.after_element && !matches!(first, None | Some(b']')) {
            return Err(broken("expected `,` or `]` after a row"));
        }
        self.after_element = true;
        match first {
            None => Err(broken("the file ends before its closing bracket")),
            Some(b']') => {
                self.layout = Layout::Ended;
                Ok(None)
            }
            Some(b'{') => self.object().map(Some),
            Some(_) => Err(broken("expected an object")),
        }
    }

    /// Steps over white space and looks at the byte after it.
    fn skip_space(&mut self) -> Result<Option<u8>, Fault> {
        loop {
            let buffer = self.reader.fill_buf().map_err(Fault::Io)?;
            let Some(at) = buffer.iter().position(|byte| !byte.is_ascii_whitespace()) else {
                let (seen, lines) = (buffer.len(), newlines(buffer));
                if seen == 0 {
                    return Ok(None);
                }
                self.lines += lines;
                self.reader.consume(seen);
                continue;
            };
            let (byte, lines) = (buffer[at], newlines(&buffer[..at]));
            self.lines += lines;
            self.reader.consume(at);
            return Ok(Some(byte));
        }
    }

    /// Reads one object up to the brace that closes it.
    fn object(&mut self) -> Result<Vec<u8>, Fault> {
        let mut value = Vec::new();
        let mut scan = Scan::default();
        loop {
            let buffer = self.reader.fill_buf().map_err(Fault::Io)?;
            if buffer.is_empty() {
                return Err(broken("the file ends in the middle of a row"));
            }
            let end = buffer.iter().position(|&byte| scan.closes(byte)).map(|at| at + 1);
            let taken = end.unwrap_or(buffer.len());
            if value.len() + taken > self.limit {
                return Err(Fault::TooLarge { limit: self.limit });
            }
            value.extend_from_slice(&buffer[..taken]);
            self.lines += newlines(&buffer[..taken]);
            self.reader.consume(taken);
            if end.is_some() {
                return Ok(value);
            }
        }
    }
}

/// Where a scan through one value stands.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Scan {
    /// Takes one byte; whether it closes the outermost bracket.
    fn closes(&mut self, byte: u8) -> bool {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.split(|&byte| byte == b'\n').count() as u64 - 1
}

/// How many bytes lead into the array of rows, bracket included; `None` when the stream is not one array.
///
/// Either the array itself, or an object that begins with `"data": [{`, with `"version": …` before it at most.
fn array_start(head: &[u8]) -> Option<usize> {
    let mut rest = head.trim_ascii_start();
    if let Some(array) = rest.strip_prefix(b"[") {
        return Some(head.len() - array.len());
    }
    rest = rest.strip_prefix(b"{")?.trim_ascii_start();
    if let Some(version) = rest.strip_prefix(b"\"version\"") {
        let comma = version.iter().take(100).position(|&byte| byte == b',')?;
        rest = version[comma + 1..].trim_ascii_start();
    }
    rest = rest.strip_prefix(b"\"data\"")?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let array = rest.strip_prefix(b"[")?;
    // A list of texts is a row of its own (UltraChat's original layout), not a list of rows.
    matches!(array.trim_ascii_start().first(), Some(b'{' | b']')).then(|| head.len() - array.len())
}
