//! What the mock serves beside completions: models, health, metrics, and its truth.

use std::{fmt::Write, sync::atomic::Ordering::Relaxed};

use super::{
    render,
    request::{Incoming, Method},
    shared::Shared,
};

/// Writes the answer to a request that is no completion.
pub(super) fn write(incoming: &Incoming, shared: &Shared, out: &mut Vec<u8>) {
    let json = "application/json";
    let (status, kind, body) = match (incoming.method, incoming.path.as_str()) {
        (Method::Get, "/health") => (200, "text/plain", String::new()),
        (Method::Get, "/v1/models") => (200, json, models(shared)),
        (Method::Get, "/metrics") => (200, "text/plain; version=0.0.4", metrics(shared)),
        (Method::Get, "/truth") => (200, "application/x-ndjson", shared.truth().to_jsonl()),
        (Method::Post, "/truth/reset") => {
            shared.reset();
            (200, json, "{}".to_owned())
        }
        (_, "/health" | "/v1/models" | "/metrics" | "/truth" | "/truth/reset" | "/v1/chat/completions" | "/v1/completions") => {
            (405, json, render::error(405, "not by this method"))
        }
        (_, path) => (404, json, render::error(404, &format!("no such path: {}", path.chars().take(100).collect::<String>()))),
    };
    render::page(status, kind, &body, incoming.close, out);
}

fn models(shared: &Shared) -> String {
    format!(r#"{{"object":"list","data":[{{"id":{},"object":"model","created":0,"owned_by":"edge-eval"}}]}}"#, shared.model)
}

/// Counters under vLLM's names; those of the prefix cache when the script has one.
fn metrics(shared: &Shared) -> String {
    let answers = || std::iter::once(&shared.script.answer).chain(shared.script.rules.iter().map(|rule| &rule.answer));
    let mut counters = vec![
        ("vllm:prompt_tokens_total", &shared.prompt_tokens),
        ("vllm:generation_tokens_total", &shared.generated_tokens),
        ("vllm:request_success_total", &shared.answered),
    ];
    if answers().any(|answer| answer.cached_tokens.is_some()) {
        counters.push(("vllm:prefix_cache_queries_total", &shared.prompt_tokens));
        counters.push(("vllm:prefix_cache_hits_total", &shared.cached_tokens));
    }
    let mut text = String::new();
    for (name, counter) in counters {
        let _ = writeln!(text, "# TYPE {name} counter\n{name}{{model_name={}}} {}.0", shared.model, counter.load(Relaxed));
    }
    text
}
