//! The latencies of one request, in milliseconds. `None` where the request does not tell.

use record::Request;
use units::Nanos;

/// Bound on the gaps made of one answer's token count, which the server merely states.
const MOST_GAPS: usize = 1 << 20;

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
    let gaps = gap_count(request).filter(|gaps| *gaps > 0)?;
    Some(ms(*first, *last) / gaps as f64)
}

/// Gaps between events with text, as they came.
pub(crate) fn chunk_gaps_ms(request: &Request) -> impl Iterator<Item = f64> + '_ {
    request.content_times.windows(2).map(|pair| ms(pair[0], pair[1]))
}

/// Gaps between tokens. Where each event held one token they are the gaps between events; else their mean counts once a token.
pub(crate) fn token_gaps_ms(request: &Request) -> Box<dyn Iterator<Item = f64> + '_> {
    match (one_token_an_event(request), mean_gap_ms(request), gap_count(request)) {
        (Some(true), ..) => Box::new(chunk_gaps_ms(request)),
        (Some(false), Some(mean), Some(gaps)) => Box::new(std::iter::repeat_n(mean, gaps)),
        _ => Box::new(std::iter::empty()),
    }
}

/// How many gaps [`token_gaps_ms`] gives: the tokens that came after the first event; `None` without usage, or where one event held
/// several tokens and is all there is.
///
/// How many the first event held is not told. Engines send the first token as soon as there is one, and gather later ones; but where the
/// tokens divide evenly over the events, the first is taken to have held as many as the others.
pub(crate) fn gap_count(request: &Request) -> Option<usize> {
    let events = request.content_times.len();
    let one = one_token_an_event(request)?;
    let tokens = request.completion_tokens? as usize;
    let gaps = match events {
        _ if one => events.saturating_sub(1),
        0 | 1 => return None,
        _ if tokens.is_multiple_of(events) => tokens - tokens / events,
        _ => tokens.saturating_sub(1),
    };
    Some(gaps.min(MOST_GAPS))
}

/// Whether each event with text held one token. Servers count the end-of-text token, which has no text, so one apart is no
/// difference.
pub(crate) fn one_token_an_event(request: &Request) -> Option<bool> {
    Some((request.completion_tokens? as usize).abs_diff(request.content_times.len()) <= 1)
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
