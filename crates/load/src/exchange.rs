//! One request as the socket saw it, and the answer being put together: head, then body. The timed path: it stamps, pushes raw
//! bytes and returns; nothing of the body is looked at here.

use units::Nanos;

use crate::{
    Failure,
    body::Outgoing,
    failure::excerpt,
    framing::{Body, Head, HeadReader},
};

/// Bytes that a server writes at a time, roughly.
const BYTES_A_PIECE: usize = 128;

/// Most bytes taken of what a server says with its refusal, and kept of an answer that was too large.
const ERROR_LIMIT: usize = 64 << 10;

/// What one request looked like from the socket.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    /// Position among all requests of the run, the warm-up's first.
    pub(crate) index: usize,
    pub(crate) due: Nanos,
    pub(crate) sent: Option<Nanos>,
    pub(crate) headers: Option<Nanos>,
    pub(crate) status: Option<u16>,
    /// The body as far as it came.
    pub(crate) body: Vec<u8>,
    /// Bytes of the body that came and were not kept: it was too large.
    pub(crate) dropped: usize,
    /// Arrival of the body's pieces, each with where it ends in `body`.
    pub(crate) pieces: Vec<(Nanos, usize)>,
    pub(crate) end: Nanos,
    pub(crate) failure: Option<Failure>,
}

impl Exchange {
    /// A request that has not been sent, and the room for its answer.
    pub(crate) fn new(index: usize, due: Nanos, room: Room) -> Self {
        Self { index, due, body: room.body, pieces: room.pieces, ..Self::default() }
    }

    /// Keeps the beginning of a body that was too large: each of a thousand answers may be.
    fn cut(&mut self) {
        let kept = self.body.len().min(ERROR_LIMIT);
        self.dropped += self.body.len() - kept;
        self.body.truncate(kept);
        self.pieces.truncate(self.pieces.partition_point(|piece| piece.1 < kept) + 1);
        if let Some(last) = self.pieces.last_mut() {
            last.1 = last.1.min(kept);
        }
        self.body.shrink_to_fit();
        self.pieces.shrink_to_fit();
    }

    /// The body in the pieces in which it came.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = (Nanos, &[u8])> {
        let mut from = 0;
        self.pieces.iter().map(move |&(at, to)| (at, &self.body[std::mem::replace(&mut from, to)..to]))
    }
}

/// Memory for one answer.
#[derive(Debug, Default)]
pub(crate) struct Room {
    body: Vec<u8>,
    pieces: Vec<(Nanos, usize)>,
}

impl Room {
    /// Room for an answer of about `expected` bytes, every page of it touched.
    pub(crate) fn touched(expected: usize) -> Self {
        let mut room = Self { body: vec![1; expected], pieces: vec![(Nanos(1), 1); expected / BYTES_A_PIECE] };
        room.body.clear();
        room.pieces.clear();
        room
    }
}

/// The answer of one exchange, in the making.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// Bytes that its body may have, roughly: room is made for them with the head, and not while tokens come.
    expected: usize,
    /// Most bytes of its body.
    limit: usize,
    reader: HeadReader,
    body: Option<Body>,
    keep: bool,
}

impl Answer {
    pub(crate) fn new(outgoing: &Outgoing) -> Self {
        Self { expected: outgoing.expected, limit: outgoing.limit, ..Self::default() }
    }

    /// Nothing of it has come yet.
    pub(crate) fn is_unbegun(&self) -> bool {
        self.body.is_none() && self.reader.is_empty()
    }

    /// Takes what was read, which arrived at `at`. `Some` when the answer is whole: whether its connection may be kept. A
    /// refusal (a status other than 2xx) is a whole answer too, and its exchange has failed.
    ///
    /// # Errors
    /// Why the request has failed and its connection is of no use any more.
    pub(crate) fn push(&mut self, mut bytes: &[u8], at: Nanos, exchange: &mut Exchange) -> Result<Option<bool>, Failure> {
        let body = if let Some(body) = &mut self.body {
            body
        } else {
            let Some((head, length)) = self.reader.push(bytes)? else { return Ok(None) };
            bytes = &bytes[length..];
            (exchange.headers, exchange.status) = (Some(at), Some(head.status));
            self.keep = head.keep;
            check_content_type(&head)?;
            exchange.body.reserve(self.expected);
            exchange.pieces.reserve(self.expected / BYTES_A_PIECE);
            self.body.insert(head.body)
        };
        let taken = body.push(bytes, &mut exchange.body)?;
        if exchange.body.len() > exchange.pieces.last().map_or(0, |piece| piece.1) {
            exchange.pieces.push((at, exchange.body.len()));
        }
        let limit = if is_refused(exchange) { ERROR_LIMIT } else { self.limit };
        if exchange.body.len() > limit {
            exchange.cut();
            return Err(refusal(exchange).unwrap_or(Failure::TooLarge));
        }
        if !body.is_done() {
            return Ok(None);
        }
        exchange.end = at;
        exchange.failure = refusal(exchange);
        // Bytes that nobody asked for make the connection useless.
        Ok(Some(self.keep && taken == bytes.len()))
    }

    /// The connection has ended: the answer is whole, or this is why it failed.
    pub(crate) fn end(&self, exchange: &Exchange) -> Option<Failure> {
        match &self.body {
            None => Some(self.reader.end()),
            Some(body) => refusal(exchange).or((!body.ends_here()).then_some(Failure::ClosedEarly)),
        }
    }
}

fn check_content_type(head: &Head) -> Result<(), Failure> {
    if !(200..300).contains(&head.status) {
        return Ok(());
    }
    let found = head.content_type.as_deref().unwrap_or("no content type");
    if found.to_ascii_lowercase().starts_with("text/event-stream") {
        return Ok(());
    }
    Err(Failure::NotEventStream(found.to_owned()))
}

fn is_refused(exchange: &Exchange) -> bool {
    exchange.status.is_some_and(|status| !(200..300).contains(&status))
}

fn refusal(exchange: &Exchange) -> Option<Failure> {
    let status = exchange.status.filter(|_| is_refused(exchange))?;
    Some(Failure::Status(status, excerpt(&exchange.body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&str]) -> (Exchange, Result<Option<bool>, Failure>, Option<Failure>) {
        let mut answer = Answer { limit: LIMIT, ..Answer::default() };
        let mut exchange = Exchange::new(0, Nanos(1), Room::default());
        let mut last = Ok(None);
        for (index, piece) in pieces.iter().enumerate() {
            last = answer.push(piece.as_bytes(), Nanos(10 * (index as u64 + 1)), &mut exchange);
            if last != Ok(None) {
                break;
            }
        }
        let end = answer.end(&exchange);
        (exchange, last, end)
    }

    const LIMIT: usize = 3 * ERROR_LIMIT;
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

    #[test]
    fn every_piece_has_its_own_arrival() {
        let (exchange, last, _) = read(&[&HEAD[..9], &HEAD[9..], "2\r\nab\r\n1\r\nc", "\r\n", "1\r\nd\r\n", "0\r\n\r\n"]);
        assert_eq!((last, exchange.failure.clone(), exchange.headers, exchange.end), (Ok(Some(true)), None, Some(Nanos(20)), Nanos(60)));
        let chunks: Vec<_> = exchange.chunks().collect();
        assert_eq!(chunks, [(Nanos(30), &b"abc"[..]), (Nanos(50), b"d")]);
    }

    #[test]
    fn a_refusal_is_whole_and_keeps_its_connection() {
        let (exchange, last, _) = read(&["HTTP/1.1 429 Slow\r\ncontent-length: 4\r\n\r\nslow"]);
        assert_eq!((last, exchange.failure), (Ok(Some(true)), Some(Failure::Status(429, "slow".into()))));
    }

    #[test]
    fn a_refusal_without_end_is_still_a_refusal() {
        let long = "x".repeat(ERROR_LIMIT + 1);
        let (_, last, _) = read(&["HTTP/1.1 500 Oops\r\n\r\n", &long]);
        assert!(matches!(last, Err(Failure::Status(500, _))), "{last:?}");
        let (_, _, end) = read(&["HTTP/1.1 500 Oops\r\ncontent-length: 9\r\n\r\noops"]);
        assert_eq!(end, Some(Failure::Status(500, "oops".into())));
    }

    #[test]
    fn of_an_answer_that_is_too_large_the_beginning_is_kept_with_its_arrivals() {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
        let (some, more) = ("a".repeat(ERROR_LIMIT - 1), "b".repeat(LIMIT));
        let (exchange, last, _) = read(&[head, &some, "bb", &more]);
        assert_eq!((last, exchange.dropped), (Err(Failure::TooLarge), LIMIT + 1));
        let chunks: Vec<_> = exchange.chunks().collect();
        assert_eq!(chunks, [(Nanos(20), some.as_bytes()), (Nanos(30), &b"b"[..])]);
    }

    #[test]
    fn a_connection_that_ends_ends_only_an_answer_without_a_length() {
        let (_, _, end) = read(&["HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", "ab"]);
        assert_eq!(end, None);
        assert_eq!(read(&[HEAD, "9\r\nab"]).2, Some(Failure::ClosedEarly));
        assert_eq!(read(&[]).2, Some(Failure::ClosedEarly));
    }

    #[test]
    fn more_than_the_answer_spoils_the_connection() {
        let (_, last, _) = read(&[HEAD, "1\r\na\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"]);
        assert_eq!(last, Ok(Some(false)));
    }
}
