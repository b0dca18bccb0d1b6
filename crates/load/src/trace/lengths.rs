//! The plainest trace: `arrival_ns,input_tokens,output_tokens`.

use super::{Fault, Line, three, whole};

/// The header, in lower case.
pub(super) const HEADER: &str = "arrival_ns,input_tokens,output_tokens";

pub(super) fn read_line(line: &str) -> Result<Line, Fault> {
    let [at, input, output] = three(line, HEADER)?;
    Ok(Line {
        at_ns: whole("arrival_ns", at)?.into(),
        input_tokens: whole("input_tokens", input)?,
        output_tokens: whole("output_tokens", output)?,
        blocks: Vec::new(),
    })
}
