//! One request as the client saw it: every instant and count, and how many gaps there were between its tokens. Latencies are computed by
//! `metric` and `load`.

use serde::{Deserialize, Serialize};
use units::Nanos;

/// Every instant and count of one request. Instants are `CLOCK_MONOTONIC` nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Position in the arrival order.
    pub index: u32,
    /// The data set item it carries; empty for synthetic prompts.
    pub item: String,
    /// When it was due.
    pub due: Nanos,
    /// The instant just before its first bytes were handed to the socket.
    pub sent: Nanos,
    /// When the response's headers had arrived: like all instants of arrival here, that of the kernel where it tells.
    pub headers: Option<Nanos>,
    /// When the first server-sent event had arrived, whatever it holds.
    pub first_event: Option<Nanos>,
    /// When the first event with text had arrived (a role-only chunk is not it).
    pub first_content: Option<Nanos>,
    /// When the first event with text of the answer proper had arrived, which reasoning may precede.
    pub first_answer: Option<Nanos>,
    /// The arrival of every event with text, in order: as many as there were chunks of text.
    pub content_times: Vec<Nanos>,
    /// When the stream ended, or the failure was seen.
    pub end: Nanos,
    /// Body bytes read.
    pub bytes: u64,
    /// Server-sent events read, `[DONE]` excluded.
    pub events: u32,
    /// `usage.prompt_tokens`, when the server told.
    pub prompt_tokens: Option<u32>,
    /// `usage.completion_tokens`, when the server told.
    pub completion_tokens: Option<u32>,
    /// `usage.prompt_tokens_details.cached_tokens`, when the server told.
    pub cached_tokens: Option<u32>,
    /// HTTP status, when headers came.
    pub status: Option<u16>,
    /// `finish_reason` of the choice.
    pub finish_reason: Option<String>,
    /// Why it failed; `None` is success. A stable word, then facts: `status: 429`, `connect: …`, `malformed json: …`, `closed early`, `timeout`.
    pub failure: Option<String>,
    /// The answer's text.
    pub text: String,
}

/// Bound on the gaps made of one answer's token count, which the server merely states.
const MOST_GAPS: usize = 1 << 20;

impl Request {
    /// Whether each event with text held one token. Servers count the end-of-text token, which has no text, so one apart is no
    /// difference. `None` without usage.
    pub fn one_token_an_event(&self) -> Option<bool> {
        Some((self.completion_tokens? as usize).abs_diff(self.content_times.len()) <= 1)
    }

    /// How many gaps there were between the tokens of the answer, at most 2²⁰: those between events where each held one token, else the
    /// tokens that came after the first event. `None` without usage, or where one event held several tokens and is all there is.
    ///
    /// How many the first event held is not told. Engines send the first token as soon as there is one, and gather later ones; but where
    /// the tokens divide evenly over the events, the first is taken to have held as many as the others.
    pub fn token_gap_count(&self) -> Option<usize> {
        let events = self.content_times.len();
        let one = self.one_token_an_event()?;
        let tokens = self.completion_tokens? as usize;
        let gaps = match events {
            _ if one => events.saturating_sub(1),
            0 | 1 => return None,
            _ if tokens.is_multiple_of(events) => tokens - tokens / events,
            _ => tokens.saturating_sub(1),
        };
        Some(gaps.min(MOST_GAPS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(tokens: Option<u32>, events: usize, one: Option<bool>, gaps: Option<usize>) {
        let request = Request { completion_tokens: tokens, content_times: vec![Nanos(1); events], ..Request::default() };
        assert_eq!((request.one_token_an_event(), request.token_gap_count()), (one, gaps), "{tokens:?} {events}");
    }

    #[test]
    fn gaps_are_those_between_tokens() {
        check(None, 3, None, None);
        check(Some(3), 3, Some(true), Some(2));
        // The end-of-text token has no text and no gap.
        check(Some(4), 3, Some(true), Some(2));
        check(Some(1), 0, Some(true), Some(0));
        check(Some(2), 1, Some(true), Some(0));
        // Three tokens an event, and the first alone with three an event after it.
        check(Some(6), 2, Some(false), Some(3));
        check(Some(7), 3, Some(false), Some(6));
        check(Some(5), 1, Some(false), None);
        check(Some(5), 0, Some(false), None);
        check(Some(u32::MAX), 2, Some(false), Some(MOST_GAPS));
    }
}
