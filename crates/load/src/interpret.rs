//! After the window: raw bytes with their instants become a [`Request`]. JSON is read here and nowhere earlier.
//!
//! An event with text is one whose `delta.content`, `delta.reasoning_content`, `delta.reasoning` or `text` is not empty: a
//! role-only first chunk is not the first token (vLLM issue 15106). Only the answer proper goes into the text.

use record::Request;
use serde::Deserialize;

use crate::{Failure, exchange::Exchange, failure::excerpt, sse};

#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Usage>,
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
    text: Option<String>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u32>,
    completion_tokens: Option<u32>,
    prompt_tokens_details: Option<PromptTokens>,
}

#[derive(Deserialize)]
struct PromptTokens {
    cached_tokens: Option<u32>,
}

/// Reads one exchange, as request number `index`. A request that was never sent has `sent` at its end, and its failure says so.
pub(crate) fn request(exchange: Exchange, index: u32, item: &str) -> Request {
    let mut request = Request {
        index,
        item: item.to_owned(),
        due: exchange.due,
        sent: exchange.sent.unwrap_or(exchange.end),
        headers: exchange.headers,
        end: exchange.end,
        bytes: (exchange.body.len() + exchange.dropped) as u64,
        status: exchange.status,
        ..Request::default()
    };
    let refused = exchange.status.is_some_and(|status| !(200..300).contains(&status));
    // What a server says with its refusal is no stream.
    let read = if refused { Ok(()) } else { read_stream(&exchange, &mut request) };
    let ended = exchange.failure.map_or(Ok(()), Err);
    request.failure = ended.and(read).err().map(|failure| failure.to_string());
    request
}

fn read_stream(exchange: &Exchange, request: &mut Request) -> Result<(), Failure> {
    let mut done = false;
    for event in sse::parse(exchange.chunks()) {
        if event.data == b"[DONE]" {
            done = true;
            break;
        }
        request.events += 1;
        request.first_event.get_or_insert(event.at);
        let chunk: Chunk =
            serde_json::from_slice(&event.data).map_err(|error| Failure::MalformedJson(format!("event {}: {error}", request.events)))?;
        if let Some(error) = chunk.error {
            return Err(Failure::ServerError(excerpt(error.to_string().as_bytes())));
        }
        read_chunk(chunk, event.at, request);
    }
    if done || request.finish_reason.is_some() { Ok(()) } else { Err(Failure::ClosedEarly) }
}

fn read_chunk(chunk: Chunk, at: units::Nanos, request: &mut Request) {
    if let Some(usage) = chunk.usage {
        request.prompt_tokens = usage.prompt_tokens.or(request.prompt_tokens);
        request.completion_tokens = usage.completion_tokens.or(request.completion_tokens);
        request.cached_tokens = usage.prompt_tokens_details.and_then(|details| details.cached_tokens).or(request.cached_tokens);
    }
    let Some(choice) = chunk.choices.into_iter().flatten().next() else { return };
    request.finish_reason = choice.finish_reason.or(request.finish_reason.take());
    let (answer, thought) = match choice.delta {
        Some(delta) => (delta.content, delta.reasoning_content.or(delta.reasoning)),
        None => (choice.text, None),
    };
    let present = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    if present(&answer) || present(&thought) {
        request.first_content.get_or_insert(at);
        request.content_times.push(at);
    }
    if present(&answer) {
        request.first_answer.get_or_insert(at);
    }
    request.text.push_str(answer.as_deref().unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use units::Nanos;

    use super::*;
    use crate::exchange::Room;

    fn read(chunks: &[(u64, &str)]) -> Request {
        let mut exchange =
            Exchange { sent: Some(Nanos(2)), headers: Some(Nanos(3)), status: Some(200), ..Exchange::new(0, Nanos(1), Room::default()) };
        for (at, bytes) in chunks {
            exchange.body.extend_from_slice(bytes.as_bytes());
            exchange.pieces.push((Nanos(*at), exchange.body.len()));
        }
        request(Exchange { end: Nanos(99), ..exchange }, 3, "q1")
    }

    fn delta(content: &str) -> String {
        format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{content}\"}}}}]}}\n\n")
    }

    #[test]
    fn a_role_only_chunk_is_an_event_and_not_the_first_token() {
        let role = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n";
        let seen = read(&[(10, role), (20, &delta("a")), (30, &delta("b")), (40, "data: [DONE]\n\n")]);
        assert_eq!((seen.first_event, seen.first_content), (Some(Nanos(10)), Some(Nanos(20))));
        assert_eq!(seen.content_times, [Nanos(20), Nanos(30)]);
        assert_eq!((seen.events, seen.text.as_str(), seen.failure), (3, "ab", None));
    }

    #[test]
    fn usage_stands_apart_from_the_chunk_count() {
        let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":4}}\n\n";
        let seen = read(&[(10, &delta("a b")), (20, &delta("c d")), (30, usage), (30, "data: [DONE]\n\n")]);
        assert_eq!((seen.prompt_tokens, seen.completion_tokens, seen.content_times.len()), (Some(5), Some(4), 2));
    }

    #[test]
    fn tokens_that_a_prefix_cache_held_are_told_apart() {
        let usage =
            |details: &str| format!("data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":5,\"prompt_tokens_details\":{details}}}}}\n\n");
        let cached = |details: &str| read(&[(10, &usage(details)), (30, "data: [DONE]\n\n")]).cached_tokens;
        assert_eq!((cached("{\"cached_tokens\":4}"), cached("null"), cached("{}")), (Some(4), None, None));
    }

    #[test]
    fn usage_may_be_missing() {
        let seen = read(&[(10, &delta("a")), (20, "data: [DONE]\n\n")]);
        assert_eq!((seen.completion_tokens, seen.failure), (None, None));
    }

    #[test]
    fn a_finish_reason_ends_a_stream_without_done() {
        let seen = read(&[(10, "data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":\"length\"}],\"usage\":null}\n\n")]);
        assert_eq!((seen.finish_reason.as_deref(), seen.text.as_str(), seen.failure), (Some("length"), "a", None));
    }

    #[test]
    fn reasoning_is_generated_text_and_not_the_answer() {
        let thought = "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n";
        let seen = read(&[(10, thought), (20, &delta("a")), (30, "data: [DONE]\n\n")]);
        assert_eq!((seen.first_content, seen.first_answer), (Some(Nanos(10)), Some(Nanos(20))));
        assert_eq!((seen.content_times.len(), seen.text.as_str()), (2, "a"));
    }

    fn check_failure(chunks: &[(u64, &str)], expected: &str) {
        let failure = read(chunks).failure.unwrap();
        assert!(failure.starts_with(expected), "{failure}");
    }

    #[test]
    fn failures_of_the_stream() {
        check_failure(&[], "closed early");
        check_failure(&[(10, &delta("a"))], "closed early");
        check_failure(&[(10, "data: {\"choices\":[\n\ndata: [DONE]\n\n")], "malformed json: event 1: ");
        check_failure(&[(10, "data: {\"choices\":\"x\"}\n\n")], "malformed json: event 1: ");
        check_failure(&[(10, "data: {\"error\":{\"message\":\"out of memory\"}}\n\n")], "server error: {\"message\":\"out of memory\"}");
    }
}
