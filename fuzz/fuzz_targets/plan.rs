//! No text makes the plan reader panic: it is a plan, or it has problems.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use plan::Known;

fuzz_target!(|text: &str| {
    let known = Known {
        tasks: vec!["summarization", "rag", "chat"],
        engines: vec!["embedded"],
        meters: vec!["nvml", "rapl", "modelled"],
        marks: vec!["f1", "rouge_l", "exact_match"],
    };
    let _ = plan::parse(text, Path::new("."), &known);
});
