//! Why one request failed: a stable word, then facts. A failure is counted, never a zero and never a latency.

use std::fmt;

/// Longest piece of a server's own words kept with a failure, in characters.
const EXCERPT: usize = 200;

/// Why one request failed. Its `Display` form is what the record keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection, or no TLS session, could be made.
    Connect(String),
    /// The peer does not speak HTTP/1.1.
    NotHttp(String),
    /// A status other than 2xx, and the beginning of what the server said.
    Status(u16, String),
    /// The answer is of another content type.
    NotEventStream(String),
    /// An event's data is no JSON, or not of the API's shape.
    MalformedJson(String),
    /// The server sent an error inside the stream.
    ServerError(String),
    /// The connection ended before the stream did.
    ClosedEarly,
    /// The connection was reset.
    Reset,
    /// The answer outgrew the client's bound on one answer.
    TooLarge,
    /// It took longer than the job allows.
    Timeout,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(facts) => write!(f, "connect: {facts}"),
            Self::NotHttp(facts) => write!(f, "not http: {facts}"),
            Self::Status(status, said) if said.is_empty() => write!(f, "status: {status}"),
            Self::Status(status, said) => write!(f, "status: {status}: {said}"),
            Self::NotEventStream(found) => write!(f, "not an event stream: {found}"),
            Self::MalformedJson(facts) => write!(f, "malformed json: {facts}"),
            Self::ServerError(said) => write!(f, "server error: {said}"),
            Self::ClosedEarly => f.write_str("closed early"),
            Self::Reset => f.write_str("reset"),
            Self::TooLarge => f.write_str("too large"),
            Self::Timeout => f.write_str("timeout"),
        }
    }
}

/// The stable word of a recorded failure, by which failures are counted: `connect`, `status: 429`, `timeout`, …
pub fn word(failure: &str) -> &str {
    let from = failure.strip_prefix("status: ").map_or(0, |_| "status: ".len());
    let to = failure[from..].find(':').map_or(failure.len(), |at| from + at);
    &failure[..to]
}

/// The beginning of what a server said, on one line.
pub(crate) fn excerpt(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(&said[..said.len().min(4 * EXCERPT)]);
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ").chars().take(EXCERPT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_a_stable_word() {
        for (failure, expected) in [
            (Failure::Connect("refused: a:1".into()), "connect"),
            (Failure::NotHttp("x".into()), "not http"),
            (Failure::Status(429, String::new()), "status: 429"),
            (Failure::Status(500, "oops: y".into()), "status: 500"),
            (Failure::NotEventStream("text/html".into()), "not an event stream"),
            (Failure::MalformedJson("at 3".into()), "malformed json"),
            (Failure::ServerError("x".into()), "server error"),
            (Failure::ClosedEarly, "closed early"),
            (Failure::Reset, "reset"),
            (Failure::TooLarge, "too large"),
            (Failure::Timeout, "timeout"),
        ] {
            assert_eq!(word(&failure.to_string()), expected);
        }
    }

    #[test]
    fn what_a_server_said_is_kept_short_and_on_one_line() {
        assert_eq!(excerpt(b"a\n b\t\xff"), "a b \u{fffd}");
        assert_eq!(excerpt(&[b'x'; 5000]).len(), EXCERPT);
    }
}
