//! What a stage process owes the campaign that started it: the line protocol on stdout, and not to outlive it.

use std::io::Write;

use anyhow::Context;
use record::{Phase, clock};
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::end::{self, End};

/// Arguments every stage command takes.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StageArgs {
    /// Print one JSON object a line on stdout: phase, CLOCK_MONOTONIC time in ns, facts
    #[arg(long)]
    pub(crate) json: bool,
    /// End when this process ends (set by a campaign)
    #[arg(long, hide = true, value_name = "PID")]
    pub(crate) die_with: Option<i32>,
}

/// The line protocol of one stage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Protocol {
    on: bool,
}

impl Protocol {
    /// Begins a stage: ties its life to the parent's where asked, and marks `start`.
    pub(crate) fn begin(args: &StageArgs) -> anyhow::Result<Self> {
        if let Some(parent) = args.die_with {
            set_parent_process_death_signal(Some(Signal::KILL)).context("asking to end with the campaign")?;
            // It may have ended before we asked.
            if getppid() != Pid::from_raw(parent) {
                anyhow::bail!("the campaign (process {parent}) has already ended");
            }
        }
        let protocol = Self { on: args.json };
        protocol.mark("start", Map::new());
        Ok(protocol)
    }

    /// Marks a phase now.
    pub(crate) fn mark(self, phase: &str, facts: Map<String, Value>) {
        self.pass(&Phase { phase: phase.to_owned(), at: clock::now(), facts });
    }

    /// Passes on a mark that was stamped elsewhere. A reader that is gone ends the stage later, by its own signal.
    pub(crate) fn pass(self, mark: &Phase) {
        if !self.on {
            return;
        }
        let mut out = std::io::stdout().lock();
        if let Ok(line) = serde_json::to_string(mark) {
            let _ = writeln!(out, "{line}").and_then(|()| out.flush());
        }
    }

    /// Marks a phase with the fields of a struct as its facts.
    pub(crate) fn mark_with(self, phase: &str, facts: &impl Serialize) {
        let facts = match serde_json::to_value(facts) {
            Ok(Value::Object(map)) => map,
            _ => Map::new(),
        };
        self.mark(phase, facts);
    }

    /// Ends a stage: `done` with its facts, or `failed` with the error and its hint.
    pub(crate) fn end<T: Serialize>(self, result: anyhow::Result<T>) -> anyhow::Result<End> {
        match result {
            Ok(facts) => {
                self.mark_with("done", &facts);
                Ok(End::Done)
            }
            Err(error) => {
                self.mark_with("failed", &json!({ "error": end::told(&error), "hint": end::hint(&error) }));
                Err(error)
            }
        }
    }
}
