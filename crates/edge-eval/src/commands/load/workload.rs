//! What is asked: prompts of a file, synthetic ones of a length, or those of a trace; and how long the answers may be.

use std::path::Path;

use anyhow::{Context, bail};
use load::{
    Body, Due, Message, Prompt,
    arrivals::replay,
    prompts::Synthesis,
    trace::{self, Trace},
};
use serde_json::json;
use units::Seconds;

use super::{
    args::{Args, Endpoint},
    pressure::{self, Pressure},
};

/// Largest file of prompts.
const LARGEST: u64 = 1 << 30;

/// Where prompts come from.
pub(super) enum Source {
    /// Synthetic, of so many words.
    Words(u32),
    /// Synthetic, of so many tokens.
    Tokens(u32),
    /// The lines of a file, in turn.
    Lines(Vec<String>),
    /// Synthetic, of a trace's lengths.
    Trace(Trace),
}

impl Source {
    /// Reads what the flags name.
    pub(super) fn of(args: &Args) -> anyhow::Result<Self> {
        Ok(match (&args.trace, &args.prompts, args.prompt_tokens) {
            (Some(path), ..) => Self::Trace(trace::read(path, args.requests.map(|n| n as usize))?),
            (None, Some(path), _) => Self::Lines(lines(path)?),
            (None, None, Some(tokens)) => Self::Tokens(tokens),
            (None, None, None) => Self::Words(args.prompt_words.unwrap_or(64)),
        })
    }

    /// Whether words must be turned into tokens.
    pub(super) fn counts_tokens(&self) -> bool {
        matches!(self, Self::Tokens(_) | Self::Trace(_))
    }

    /// The trace's due times within the window that was asked for.
    pub(super) fn pressure(&self, args: &Args) -> Option<Pressure> {
        let Self::Trace(trace) = self else { return None };
        let scale = args.time_scale.unwrap_or(1.0);
        let all = replay(trace.requests.iter().map(|request| request.at), scale);
        let end = args.duration_s.map(|duration| (duration * 1e9) as u64);
        let due: Vec<Due> = all.take_while(|due| end.is_none_or(|end| matches!(due, Due::After(at) if at.0 < end))).collect();
        let span = match due.last() {
            Some(Due::After(at)) => Seconds(at.0 as f64 / 1e9),
            _ => Seconds(0.0),
        };
        let rate = if span > Seconds(0.0) { due.len() as f64 / span.get() } else { 1.0 };
        let asked = json!({
            "process": "trace", "file": args.trace, "format": trace.format, "time_scale": scale, "requests": due.len(), "span_s": span,
        });
        Some(Pressure { streams: pressure::streams(args, rate, due.len()), due, asked })
    }

    /// Prompt `index`; beyond the measured ones come the warm-up's.
    pub(super) fn prompt(&self, args: &Args, synthesis: &Synthesis<'_>, index: usize, measured: usize) -> load::Result<Prompt> {
        let number = index as u64;
        let (text, max_tokens) = match self {
            Self::Words(words) => (synthesis.of_words(number, *words), args.answer_tokens()),
            Self::Tokens(tokens) => (synthesis.of_tokens(number, *tokens)?, args.answer_tokens()),
            Self::Lines(lines) => (lines[index % lines.len()].clone(), args.answer_tokens()),
            Self::Trace(trace) => {
                let request = &trace.requests[index % measured.min(trace.requests.len())];
                // The warm-up has the trace's lengths and none of its text.
                let text = if index < measured && !request.blocks.is_empty() {
                    synthesis.of_blocks(&request.blocks, request.input_tokens)?
                } else {
                    synthesis.of_tokens(number, request.input_tokens)?
                };
                (text, request.output_tokens)
            }
        };
        let body = match args.endpoint {
            Endpoint::Chat => Body::Messages(vec![Message { role: "user".to_owned(), content: text }]),
            Endpoint::Completions => Body::Text(text),
        };
        Ok(Prompt { item: String::new(), body, max_tokens })
    }

    /// What the output says of the prompts that were asked for.
    pub(super) fn asked(&self, measured: usize) -> serde_json::Value {
        match self {
            Self::Words(words) => json!({"words": words}),
            Self::Tokens(tokens) => json!({"tokens": tokens}),
            Self::Lines(lines) => json!({"lines": lines.len()}),
            Self::Trace(trace) => {
                let taken = &trace.requests[..measured.min(trace.requests.len())];
                let total: u64 = taken.iter().map(|request| u64::from(request.input_tokens)).sum();
                let bound = |most: fn(std::slice::Iter<'_, load::trace::TraceRequest>) -> Option<u32>| most(taken.iter());
                json!({
                    "tokens_mean": total as f64 / taken.len().max(1) as f64,
                    "tokens_min": bound(|all| all.map(|request| request.input_tokens).min()),
                    "tokens_max": bound(|all| all.map(|request| request.input_tokens).max()),
                    "shared_blocks": taken.iter().any(|request| !request.blocks.is_empty()),
                })
            }
        }
    }
}

fn lines(path: &Path) -> anyhow::Result<Vec<String>> {
    let reading = || format!("reading the prompts {}", path.display());
    let bytes = std::fs::metadata(path).with_context(reading)?.len();
    if bytes > LARGEST {
        bail!("{} holds {bytes} bytes, more than the {LARGEST} that are read", path.display());
    }
    let text = std::fs::read_to_string(path).with_context(reading)?;
    let lines: Vec<String> = text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    if lines.is_empty() {
        bail!("{} holds no prompt: write one a line", path.display());
    }
    Ok(lines)
}
