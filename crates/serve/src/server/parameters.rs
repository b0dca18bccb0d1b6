//! What both endpoints' requests have in common: sampling, length, ends, streaming. As written in JSON to as meant.

use model::sampling::Sampling;
use serde_json::Value;

use super::fields::Fields;
use super::problem::Problem;
use super::{App, Card};
use crate::request::Generate;

/// Stop strings a request may have; OpenAI allows 4.
const MAX_STOPS: usize = 16;
/// Longest stop string in bytes.
const MAX_STOP_BYTES: usize = 1024;

/// The common parameters of a request.
pub(super) struct Parameters {
    pub(super) stream: bool,
    pub(super) include_usage: bool,
    sampling: Sampling,
    max_tokens: Option<usize>,
    max_tokens_name: &'static str,
    min_tokens: usize,
    ignore_eos: bool,
    stop: Vec<String>,
}

impl Parameters {
    /// Takes them out of `fields`; `number` is the request's own, for its seed when it brings none.
    pub(super) fn read(fields: &mut Fields, app: &App, number: u64) -> Result<Self, Problem> {
        let stream = fields.bool("stream")?.unwrap_or(false);
        let (max_tokens, max_tokens_name) = max_tokens(fields)?;
        Ok(Self {
            stream,
            include_usage: include_usage(fields, stream)?,
            sampling: Sampling {
                temperature: fields.number("temperature", 0.0..=2.0)?.unwrap_or(1.0) as f32,
                top_p: fields.number("top_p", 0.0..=1.0)?.unwrap_or(1.0) as f32,
                top_k: top_k(fields)?,
                // The bits count, not the sign.
                seed: fields.integer("seed", i64::MIN..=i64::MAX)?.map_or(app.limits.seed.wrapping_add(number), |seed| seed as u64),
            },
            max_tokens,
            max_tokens_name,
            min_tokens: fields.count("min_tokens", 0..=u32::MAX)?.unwrap_or(0),
            ignore_eos: fields.bool("ignore_eos")?.unwrap_or(false),
            stop: stops(fields)?,
        })
    }

    /// What the engine is to generate for `prompt`. Without `max_tokens` that is `usual_tokens`, or what the context has room for.
    pub(super) fn generate(
        &self,
        prompt: Vec<u32>,
        prompt_name: &str,
        card: &Card,
        usual_tokens: usize,
        logprobs: Option<usize>,
    ) -> Result<Generate, Problem> {
        if prompt.is_empty() {
            return Err(Problem::invalid(prompt_name, "invalid_value", "The prompt has no tokens."));
        }
        let room = card.context_length.saturating_sub(prompt.len());
        if self.max_tokens.is_some_and(|asked| asked > room) {
            return Err(Problem::too_long(self.max_tokens_name, card.context_length, prompt.len(), self.max_tokens));
        }
        let max_tokens = self.max_tokens.unwrap_or(usual_tokens.min(room));
        if max_tokens == 0 {
            return Err(Problem::too_long(prompt_name, card.context_length, prompt.len(), None));
        }
        if self.min_tokens > max_tokens {
            let message = format!("Invalid value for 'min_tokens': {} is more than the {max_tokens} tokens allowed.", self.min_tokens);
            return Err(Problem::invalid("min_tokens", "invalid_value", message));
        }
        Ok(Generate {
            prompt,
            sampling: self.sampling,
            max_tokens,
            min_tokens: self.min_tokens,
            ignore_eos: self.ignore_eos,
            stop: self.stop.clone(),
            logprobs,
        })
    }
}

fn max_tokens(fields: &mut Fields) -> Result<(Option<usize>, &'static str), Problem> {
    let old = fields.count("max_tokens", 1..=u32::MAX)?;
    let new = fields.count("max_completion_tokens", 1..=u32::MAX)?;
    match (new, old) {
        (Some(new), Some(old)) if new != old => {
            let message = "Setting 'max_tokens' and 'max_completion_tokens' to different values is not possible.";
            Err(Problem::invalid("max_tokens", "invalid_parameter_combination", message))
        }
        (Some(new), _) => Ok((Some(new), "max_completion_tokens")),
        (None, old) => Ok((old, "max_tokens")),
    }
}

fn include_usage(fields: &mut Fields, stream: bool) -> Result<bool, Problem> {
    match fields.take("stream_options") {
        None => Ok(false),
        Some(_) if !stream => {
            let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
            Err(Problem::invalid("stream_options", "invalid_parameter_combination", message))
        }
        Some(Value::Object(mut options)) => {
            // Padding against traffic analysis; nothing is padded here.
            options.remove("include_obfuscation");
            let include = options.remove("include_usage").unwrap_or(Value::Bool(false));
            if let Some(name) = options.keys().next() {
                return Err(Problem::unknown_parameter(&format!("stream_options.{name}")));
            }
            include.as_bool().ok_or_else(|| Problem::wrong_type("stream_options.include_usage", "a boolean", &include))
        }
        Some(other) => Err(Problem::wrong_type("stream_options", "an object", &other)),
    }
}

/// `top_k` of vLLM and llama.cpp: 0 and −1 mean all.
fn top_k(fields: &mut Fields) -> Result<Option<usize>, Problem> {
    let k = fields.integer("top_k", -1..=i64::MAX)?;
    Ok(k.and_then(|k| usize::try_from(k).ok()).filter(|k| *k > 0))
}

fn stops(fields: &mut Fields) -> Result<Vec<String>, Problem> {
    let stops = match fields.take("stop") {
        None => Vec::new(),
        Some(Value::String(stop)) => vec![stop],
        Some(Value::Array(items)) => items.into_iter().map(stop_string).collect::<Result<_, _>>()?,
        Some(other) => return Err(Problem::wrong_type("stop", "a string or an array of strings", &other)),
    };
    if stops.len() > MAX_STOPS {
        return Err(Problem::invalid("stop", "array_above_max_length", format!("'stop' may have at most {MAX_STOPS} strings.")));
    }
    if stops.iter().any(|stop| stop.is_empty() || stop.len() > MAX_STOP_BYTES) {
        let message = format!("Each string of 'stop' must have 1 to {MAX_STOP_BYTES} bytes.");
        return Err(Problem::invalid("stop", "invalid_value", message));
    }
    Ok(stops)
}

fn stop_string(item: Value) -> Result<String, Problem> {
    match item {
        Value::String(stop) => Ok(stop),
        other => Err(Problem::wrong_type("stop", "a string or an array of strings", &other)),
    }
}
