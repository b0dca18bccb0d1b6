//! Mooncake's traces: JSON lines whose `hash_ids` name the prompt's blocks of 512 tokens, so that shared prefixes are known without text.

use serde::Deserialize;

use super::{BLOCK_TOKENS, Fault, Line};

#[derive(Deserialize)]
struct Written {
    timestamp: f64,
    input_length: u64,
    output_length: u64,
    #[serde(default)]
    hash_ids: Vec<u64>,
}

pub(super) fn read_line(line: &str) -> Result<Line, Fault> {
    let written: Written = serde_json::from_str(line).map_err(|error| {
        Fault::new(
            format!("not a Mooncake request: {error}"),
            "each line is an object with timestamp (ms), input_length, output_length and hash_ids",
        )
    })?;
    let blocks = written.input_length.div_ceil(BLOCK_TOKENS.into());
    if !written.hash_ids.is_empty() && written.hash_ids.len() as u64 != blocks {
        return Err(Fault::new(
            format!("{} hash_ids for {} tokens, which are {blocks} blocks", written.hash_ids.len(), written.input_length),
            "hash_ids name every block of 512 tokens, the last one perhaps shorter",
        ));
    }
    // Ten million years are more than any trace, and far within an i128.
    if !(0.0..=3.2e17).contains(&written.timestamp) {
        return Err(Fault::new(format!("timestamp is {}", written.timestamp), "timestamps are milliseconds from the trace's beginning"));
    }
    Ok(Line {
        at_ns: (written.timestamp * 1e6).round() as i128,
        input_tokens: written.input_length,
        output_tokens: written.output_length,
        blocks: written.hash_ids,
    })
}
