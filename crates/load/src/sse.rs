//! Server-sent events, as the WHATWG HTML standard (section 9.2) frames them: bytes with their read instants in, events out.
//!
//! Pure and total: any bytes give some events and never a panic (a fuzz target feeds it). It runs after the window, so it is
//! plain rather than fast. An event's instant is that of the read that completed it. One leniency: a last event without its
//! blank line counts, since servers forget it. Event names, ids and retry times are of no use here and are dropped.

use units::Nanos;

/// One event with data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When the read that completed it returned.
    pub at: Nanos,
    /// Its `data` lines joined by line feeds, without the field name.
    pub data: Vec<u8>,
}

/// Reads a whole stream, given as the pieces in which it was read. However the bytes are split, the data are the same.
pub fn parse<'a>(chunks: impl IntoIterator<Item = (Nanos, &'a [u8])>) -> Vec<Event> {
    let mut reader = Reader::default();
    for (at, bytes) in chunks {
        reader.push(at, bytes);
    }
    reader.finish()
}

#[derive(Default)]
struct Reader {
    events: Vec<Event>,
    line: Vec<u8>,
    /// Data lines of the event in the making; `None` before the first, which differs from one empty line.
    data: Option<Vec<u8>>,
    /// The last byte was a carriage return, so a line feed now belongs to it.
    after_cr: bool,
    /// A line has ended, so a byte order mark can no longer come.
    begun: bool,
    last: Nanos,
}

impl Reader {
    fn push(&mut self, at: Nanos, mut bytes: &[u8]) {
        self.last = at;
        while let Some(&first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = bytes.iter().position(|&byte| byte == b'\n' || byte == b'\r') else {
                self.line.extend_from_slice(bytes);
                return;
            };
            self.line.extend_from_slice(&bytes[..end]);
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let mut line = line.as_slice();
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        if line.is_empty() {
            return self.dispatch();
        }
        let (name, value) = match line.iter().position(|&byte| byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        if name == b"data" {
            self.add(value.strip_prefix(b" ").unwrap_or(value));
        }
    }

    fn add(&mut self, value: &[u8]) {
        match &mut self.data {
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            None => self.data = Some(value.to_vec()),
        }
    }

    fn dispatch(&mut self) {
        if let Some(data) = self.data.take().filter(|data| !data.is_empty()) {
            self.events.push(Event { at: self.last, data });
        }
    }

    fn finish(mut self) -> Vec<Event> {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.dispatch();
        self.events
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn data(stream: &[u8]) -> Vec<String> {
        parse([(Nanos(1), stream)]).into_iter().map(|event| String::from_utf8(event.data).unwrap()).collect()
    }

    fn check(stream: &str, expected: &[&str]) {
        assert_eq!(data(stream.as_bytes()), expected, "{stream:?}");
    }

    #[test]
    fn framing() {
        check("data: a\n\ndata: b\n\n", &["a", "b"]);
        check("data: a\r\n\r\ndata: b\r\n\r\n", &["a", "b"]);
        check("data: a\r\rdata: b\r\r", &["a", "b"]);
        check("data:a\n\n", &["a"]);
        check("data:  a\n\n", &[" a"]);
        check("data: a\ndata: b\n\n", &["a\nb"]);
        check("data: a:b\n\n", &["a:b"]);
        check("\u{feff}data: a\n\n", &["a"]);
    }

    #[test]
    fn what_is_no_data_is_no_event() {
        check(": ping\n\n", &[]);
        check("event: x\nid: 1\nretry: 5\n\n", &[]);
        check("data\n\n", &[]);
        check("data:\n\n", &[]);
        check("database: a\n\n", &[]);
        check("\n\n\n", &[]);
        check("", &[]);
    }

    #[test]
    fn a_comment_inside_an_event_does_not_split_it() {
        check("data: a\n: ping\ndata: b\n\n", &["a\nb"]);
    }

    #[test]
    fn a_last_event_without_its_blank_line_counts() {
        check("data: a\n\ndata: [DONE]\n", &["a", "[DONE]"]);
        check("data: a\n\ndata: [DONE]", &["a", "[DONE]"]);
    }

    #[test]
    fn an_event_has_the_instant_of_the_read_that_completed_it() {
        let events = parse([(Nanos(1), &b"data: a"[..]), (Nanos(2), b"bc\n\ndata: d\n"), (Nanos(3), b"\ndata: e\n\n")]);
        let seen: Vec<(u64, &[u8])> = events.iter().map(|event| (event.at.get(), event.data.as_slice())).collect();
        assert_eq!(seen, [(2, &b"abc"[..]), (3, b"d"), (3, b"e")]);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_events(
            stream in "((data:|data: |: |event: )?[a-z:\u{e9} ]{0,6}(\n|\r\n|\r)){0,12}",
            cuts in prop::collection::vec(0usize..400, 0..12),
        ) {
            let bytes = stream.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let split = parse(cuts.windows(2).map(|cut| (Nanos(1), &bytes[cut[0]..cut[1]])));
            prop_assert_eq!(split, parse([(Nanos(1), bytes)]));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let total: usize = parse([(Nanos(1), bytes.as_slice())]).iter().map(|event| event.data.len()).sum();
            prop_assert!(total <= bytes.len());
        }
    }
}
