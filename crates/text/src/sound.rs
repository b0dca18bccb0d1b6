//! What the `tokenizers` crate takes for granted of a `tokenizer.json` and panics on later: checked here first.

use serde::de::IgnoredAny;
use serde_json::Value;
use tokenizers::PostProcessorWrapper;

/// No vocabulary comes near this; what is sized by one stays affordable.
const MOST_IDS: usize = 1 << 24;

/// The text must be whole JSON: a break inside the decoder panics.
pub(crate) fn check_json(bytes: &[u8]) -> serde_json::Result<()> {
    serde_json::from_slice::<IgnoredAny>(bytes).map(|_| ())
}

/// Every special token that a template puts around texts must be one that it defines; and ids must be of a sensible size.
pub(crate) fn check(post_processor: Option<&PostProcessorWrapper>, size: usize) -> Result<(), String> {
    if size > MOST_IDS {
        return Err(format!("it has an id of {}; at most {MOST_IDS} are allowed", size - 1));
    }
    let Some(processor) = post_processor else { return Ok(()) };
    let json = serde_json::to_value(processor).map_err(|error| error.to_string())?;
    let steps = json.get("processors").and_then(Value::as_array).map_or_else(|| vec![&json], |steps| steps.iter().collect());
    steps.into_iter().try_for_each(check_template)
}

fn check_template(step: &Value) -> Result<(), String> {
    let pieces = ["single", "pair"].into_iter().filter_map(|name| step.get(name)?.as_array()).flatten();
    let mut used = pieces.filter_map(|piece| piece.pointer("/SpecialToken/id")?.as_str());
    match used.find(|token| step.get("special_tokens").is_none_or(|known| known.get(token).is_none())) {
        Some(token) => Err(format!("its post-processor uses `{token}` without defining it")),
        None => Ok(()),
    }
}
