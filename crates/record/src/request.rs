//! One request as the client saw it: every instant, nothing derived. Latencies are computed by `metric`.

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
