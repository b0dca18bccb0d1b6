//! The program as a user runs it: exit code, stdout and stderr of the built binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot start the program has failed")]

mod commands;
mod engines;
mod import;
mod llama_cpp;
mod load;
mod meter;
mod mock;
mod nli;
mod perplexity;
mod prices;
mod project;
mod rating;
mod recipes;
mod reproduce;
mod score;
mod sweep;
mod tracked;

use std::process::{Command, Stdio};

/// The model of small plans: the quickstart's own.
const TINY: &str = r#"[[models]]
family = "Tiny"
tier = "3M"
builtin = true
"#;

/// The end of small plans.
const METER_AND_PRICES: &str = r#"[meter]
kind = "modelled"
modelled_w_per_core = 4.4
idle_s = 0.1
[prices]
api_name = "none"
api_input_usd_per_mtok = 1.0
api_output_usd_per_mtok = 1.0
api_source = "a test"
api_date = 2026-08-01
electricity_usd_per_kwh = 0.12
pue = 1.0
setup_usd = 0.0
"#;

/// The built program, its standard input closed.
fn edge_eval() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_edge-eval"));
    command.stdin(Stdio::null());
    command
}
