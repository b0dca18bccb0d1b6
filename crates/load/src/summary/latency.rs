//! The latencies of one request, in milliseconds. `None` where the request does not tell.

use record::Request;
use units::Nanos;

/// Milliseconds between two instants; negative when `to` is earlier.
pub(crate) fn ms(from: Nanos, to: Nanos) -> f64 {
    to.signed_since(from).get() * 1e3
}

/// First text − due.
pub(crate) fn ttft_ms(request: &Request) -> Option<f64> {
    Some(ms(request.due, request.first_content?))
}

/// First text − sent.
pub(crate) fn ttft_from_sent_ms(request: &Request) -> Option<f64> {
    Some(ms(request.sent, request.first_content?))
}

/// End − due.
pub(crate) fn e2e_ms(request: &Request) -> f64 {
    ms(request.due, request.end)
}

/// The client's own lateness: sent − due.
pub(crate) fn lateness_ms(request: &Request) -> f64 {
    ms(request.due, request.sent)
}

/// (End − first text) / (completion tokens − 1).
pub(crate) fn tpot_ms(request: &Request) -> Option<f64> {
    let tokens = request.completion_tokens.filter(|tokens| *tokens > 1)?;
    Some(ms(request.first_content?, request.end) / f64::from(tokens - 1))
}

/// Mean gap between the tokens of one answer: from the first event with text to the last, over the tokens that came after the first event.
pub(crate) fn mean_gap_ms(request: &Request) -> Option<f64> {
    let (first, last) = (request.content_times.first()?, request.content_times.last()?);
    let gaps = request.token_gap_count().filter(|gaps| *gaps > 0)?;
    Some(ms(*first, *last) / gaps as f64)
}

/// Gaps between events with text, as they came.
pub(crate) fn chunk_gaps_ms(request: &Request) -> impl Iterator<Item = f64> + '_ {
    request.content_times.windows(2).map(|pair| ms(pair[0], pair[1]))
}

/// Gaps between tokens. Where each event held one token they are the gaps between events; else their mean counts once a token.
pub(crate) fn token_gaps_ms(request: &Request) -> Box<dyn Iterator<Item = f64> + '_> {
    match (request.one_token_an_event(), mean_gap_ms(request), request.token_gap_count()) {
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
