//! Commands in the place of our stages, as meant: their kind, their words, and only placeholders that will have a value.

use std::path::Path;

use super::written;
use crate::{
    AdaptSpec, CommandSpec, Gives,
    meaning::{ADAPT_PLACES, COMPRESS_PLACES},
    problem::Fault,
    reader::{Field, Place},
};

/// The kind of a stage that this program does itself.
const BUILTIN: &str = "builtin";
/// The kind of a stage that another's program does.
const COMMAND: &str = "command";

/// The command of `[adapt]`, not yet looked at for placeholders: those depend on the hyper-parameters.
#[expect(clippy::option_option, reason = "no command, and reported as wrong, are two things")]
pub(super) fn adapt(w: written::Command<'_>, base: &Path) -> Option<Option<CommandSpec>> {
    command(w, base, &[Gives::Adapter, Gives::Folder], Some(Gives::Adapter))
}

/// A command that compresses.
#[expect(clippy::option_option, reason = "no command, and reported as wrong, are two things")]
pub(super) fn compress(w: written::Command<'_>, base: &Path) -> Option<Option<CommandSpec>> {
    let place = w.run_place();
    let command = command(w, base, &[Gives::Folder, Gives::Gguf], None)?;
    match &command {
        Some(spec) if !placeholders(spec, &place, COMPRESS_PLACES, &[]) => None,
        _ => Some(command),
    }
}

/// Reports the placeholders of `[adapt]` that have no value.
pub(super) fn check_adapt(spec: &AdaptSpec, place: &Place<'_>) -> bool {
    let values = spec.placeholders();
    let mut known: Vec<&str> = ADAPT_PLACES.to_vec();
    known.extend(values.iter().map(|(name, _)| *name));
    let absent: Vec<(&str, &str)> =
        [("steps", "epochs"), ("epochs", "steps"), ("threads", "")].into_iter().filter(|(name, _)| !known.contains(name)).collect();
    spec.command.as_ref().is_none_or(|command| placeholders(command, place, &known, &absent))
}

#[expect(clippy::option_option, reason = "no command, and reported as wrong, are two things")]
fn command(w: written::Command<'_>, base: &Path, results: &[Gives], usual: Option<Gives>) -> Option<Option<CommandSpec>> {
    let kind = w.kind.one_of("kind of stage", &[BUILTIN, COMMAND]).or(BUILTIN.into());
    if kind.as_deref() != Some(COMMAND) {
        let told = [&w.run.place, &w.environment.place, &w.gives.place];
        let written = [w.run.is_written(), w.environment.is_written(), w.gives.is_written()];
        for (place, _) in told.into_iter().zip(written).filter(|(_, written)| *written && kind.is_some()) {
            let message = "means nothing without kind = \"command\"".to_owned();
            place.report(Fault::Conflict { message, mend: "write kind = \"command\", or leave it out".into() });
        }
        return (kind.is_some() && !written.contains(&true)).then_some(None);
    }
    let run = w.run.check(|words| program(words)).required();
    let environment = w.environment.or(std::collections::BTreeMap::new());
    let names: Vec<&str> = results.iter().map(|result| result.name()).collect();
    let gives = w.gives.one_of("result", &names);
    let gives = match usual {
        Some(usual) => gives.or(usual.name().into()),
        None => gives.required(),
    };
    let gives = results.iter().find(|result| gives.as_deref() == Some(result.name())).copied();
    Some(Some(CommandSpec { run: run?, environment: environment?, gives: gives?, folder: base.to_owned() }))
}

/// The first word is the program.
fn program(words: &[String]) -> Option<Fault> {
    let bad = words.first().is_none_or(String::is_empty) || words.iter().any(|word| word.contains('\0'));
    bad.then(|| Fault::OutOfRange { found: format!("{} words", words.len()), allowed: "a program and its arguments".into() })
}

/// Whether every placeholder has a value, and one says where the result goes. `absent` are those that the plan leaves without one, and what
/// it has instead.
fn placeholders(command: &CommandSpec, place: &Place<'_>, known: &[&str], absent: &[(&str, &str)]) -> bool {
    let used = command.placeholders();
    let mut whole = true;
    for name in &used {
        if known.contains(&name.as_str()) {
            continue;
        }
        whole = false;
        match absent.iter().find(|(absent, _)| absent == name) {
            Some((_, instead)) => {
                let mend = if instead.is_empty() { format!("give {name}, or leave it out") } else { format!("use {{{instead}}}") };
                place.report(Fault::Conflict { message: format!("{{{name}}} has no value in this plan"), mend });
            }
            None => place.report(Fault::UnknownWord {
                noun: "placeholder",
                word: crate::value::quoted(name),
                known: known.iter().map(ToString::to_string).collect(),
            }),
        }
    }
    if !used.iter().any(|name| name == "out") {
        let mend = "add {out}: what it makes is looked for there".into();
        place.report(Fault::Conflict { message: "the command is not told where to write".into(), mend });
        whole = false;
    }
    whole
}

impl<'a> written::Command<'a> {
    /// Where faults of its words are told.
    pub(super) fn run_place(&self) -> Place<'a> {
        let run: &Field<'a, Vec<String>> = &self.run;
        run.place.clone()
    }
}
