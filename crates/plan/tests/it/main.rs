//! The plan crate as others use it: reading, refusing, expanding, keying.

#![expect(clippy::unwrap_used, reason = "a test ends where something is wrong")]
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes its snapshots so")]

mod data;
mod grid;
mod keys;
mod laws;
mod perplexity;
mod prices;
mod programs;
mod reading;

use std::path::Path;

use plan::{Known, Plan, Problems};

/// The registries as they are in edge-eval.
fn known() -> Known<'static> {
    Known {
        tasks: vec!["chat", "rag", "summarization"],
        engines: vec!["embedded"],
        meters: vec!["csv", "modelled", "nvml", "rapl"],
        marks: vec!["exact_match", "f1", "judge_helpfulness", "judge_safety", "nli_entailment", "rouge_l"],
    }
}

fn parse(text: &str) -> Result<Plan, Problems> {
    plan::parse(text, Path::new(""), &known())
}

/// One model, one task, every strategy; the plans that ship may be tuned without touching what is pinned here.
const SMALL: &str = r#"
name = "small"
runs = 3
strategies = ["base-fp16", "lora-fp16", "lora-int8", "lora-int4", "qlora-int4"]
[[models]]
family = "LLaMA"
tier = "1B"
path = "model"
[[tasks]]
kind = "rag"
train = "train.jsonl"
eval = "eval.jsonl"
train_rows = 100
eval_rows = 50
primary = "f1"
[[engines]]
kind = "embedded"
[prices]
api_name = "gpt-4o"
api_input_usd_per_mtok = 2.5
api_output_usd_per_mtok = 10
api_source = "a price list"
api_date = 2026-08-01
electricity_usd_per_kwh = 0.12
pue = 1
setup_usd = 0
"#;
