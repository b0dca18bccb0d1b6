//! Further latencies of one request, in milliseconds, beside those that `record` computes of it. `None` where the request does not tell.

use record::Request;
use units::Nanos;

/// Milliseconds between two instants; negative when `to` is earlier.
pub(crate) fn ms(from: Nanos, to: Nanos) -> f64 {
    to.signed_since(from).get() * 1e3
}

/// First text − sent.
pub(crate) fn ttft_from_sent_ms(request: &Request) -> Option<f64> {
    Some(ms(request.sent, request.first_content?))
}

/// The client's own lateness: sent − due.
pub(crate) fn lateness_ms(request: &Request) -> f64 {
    ms(request.due, request.sent)
}

/// Gaps between events with text, as they came.
pub(crate) fn chunk_gaps_ms(request: &Request) -> impl Iterator<Item = f64> + '_ {
    request.content_times.windows(2).map(|pair| ms(pair[0], pair[1]))
}

/// Gaps between tokens. Where each event held one token they are the gaps between events; else their mean counts once a token.
pub(crate) fn token_gaps_ms(request: &Request) -> Box<dyn Iterator<Item = f64> + '_> {
    match (request.one_token_an_event(), request.mean_gap_ms(), request.token_gap_count()) {
        (Some(true), ..) => Box::new(chunk_gaps_ms(request)),
        (Some(false), Some(mean), Some(gaps)) => Box::new(std::iter::repeat_n(mean, gaps)),
        _ => Box::new(std::iter::empty()),
    }
}

/// The tokens of an answer that came within a window: its share of events with text there, of the tokens the server counted. `None`
/// without usage.
pub(crate) fn tokens_within(request: &Request, window: (Nanos, Nanos)) -> Option<f64> {
    let tokens = f64::from(request.completion_tokens?);
    let inside = |at: &&Nanos| window.0 <= **at && **at <= window.1;
    match request.content_times.len() {
        0 => Some(if inside(&&request.end) { tokens } else { 0.0 }),
        all => Some(tokens * request.content_times.iter().filter(inside).count() as f64 / all as f64),
    }
}
