//! A stage that another's program carries out in place of ours: its words filled in, its process guarded and metered wherever it works, and what
//! it left looked at. What it tells on the line protocol is kept, and taken for the facts of ours where it is all of them.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use plan::{CommandSpec, Stage};
use record::{CommandFacts, Detail, MemoryPeak};
use serde::de::DeserializeOwned;
use units::Reading;

use super::{Context, Run, Runs, Seen, facts, inside};
use crate::{command::program, engine, error::Result, outputs, process::CommandLine};

/// What is particular to a stage by command.
pub(super) struct By<'a> {
    /// The command of the plan.
    pub(super) command: &'a CommandSpec,
    /// The model folder that it reads.
    pub(super) model: PathBuf,
    /// Values of placeholders beside those that every stage has.
    pub(super) values: Vec<(&'static str, String)>,
}

/// Runs it. `as_ours` makes a record's detail of the facts that a stage of ours would tell.
pub(super) fn run<T: DeserializeOwned>(
    context: &Context<'_>,
    stage: &Stage,
    key: &str,
    by: &By<'_>,
    as_ours: impl FnOnce(T) -> Detail,
) -> Result<Run> {
    let plan = &context.bound.plan;
    let work = context.folder.begin_artifact(stage.kind, key)?;
    let (_corpus, data) = context.corpus(stage.task)?;
    let out = work.join(inside(plan, stage));
    let mut values = by.values.clone();
    values.extend([
        ("model", word(&by.model)),
        ("data", word(&data)),
        ("out", word(&out)),
        ("seed", plan.stage_seed(stage).to_string()),
        ("plan", word(Path::new(&by.command.plan_folder()))),
        ("edge_eval", word(&context.places.program)),
    ]);
    let line = line(by.command, &values);
    let seen = match program(by.command, context.places) {
        Ok(_) => context.work(key, &line, Runs::Anywhere)?,
        Err(fault) => {
            let unseen = || Reading::missing("the program was not started");
            let memory = MemoryPeak { resident: unseen(), gpu: unseen() };
            Seen { ended: engine::never_began(), energy: Vec::new(), memory, fault: Some(fault) }
        }
    };
    let gives = by.command.gives;
    let (detail, artifact) = match outputs::look(gives, &out) {
        Err(problem) => (Err(problem), Ok(None)),
        Ok(outputs) => {
            let told = seen.ended.facts("done").cloned().unwrap_or_default();
            let detail = facts(&seen.ended).map_or_else(|_| Detail::Command(CommandFacts { gives, outputs, told }), as_ours);
            (Ok(detail), context.commit(stage.kind, key, &seen))
        }
    };
    Ok((line, seen, detail, artifact))
}

fn line(command: &CommandSpec, values: &[(&str, String)]) -> CommandLine {
    let mut words = command.words(values).into_iter();
    CommandLine {
        program: words.next().unwrap_or_default().into(),
        args: words.map(OsString::from).collect(),
        environment: command.variables(values).into_iter().map(|(name, value)| (name, value.into())).collect(),
    }
}

/// A path as a word that means the same in another working folder.
fn word(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}
