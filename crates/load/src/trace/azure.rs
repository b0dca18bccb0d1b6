//! Azure's LLM inference traces: `TIMESTAMP,ContextTokens,GeneratedTokens` with wall times of seven fractional digits.

use super::{Fault, Line, three, timestamp, whole};

/// The header, in lower case.
pub(super) const HEADER: &str = "timestamp,contexttokens,generatedtokens";

pub(super) fn read_line(line: &str) -> Result<Line, Fault> {
    let [time, input, output] = three(line, HEADER)?;
    Ok(Line {
        at_ns: timestamp::nanos(time)?,
        input_tokens: whole("ContextTokens", input)?,
        output_tokens: whole("GeneratedTokens", output)?,
        blocks: Vec::new(),
    })
}
