//! The way in: text -> plan, or all of its problems.

use std::path::Path;

use toml::de::DeTable;

use crate::{
    Plan, meant,
    problem::{Fault, Problems},
    reader::{Section, Sink},
    written,
};

/// The words that other rooms' registries allow; the plan crate knows none of them itself.
#[derive(Clone, Debug, Default)]
pub struct Known<'a> {
    /// Task kinds, of `score`.
    pub tasks: Vec<&'a str>,
    /// Engine kinds, of `serve`.
    pub engines: Vec<&'a str>,
    /// Meter kinds, of `meter`; `auto` is always allowed.
    pub meters: Vec<&'a str>,
    /// Names of marks, of `score`.
    pub marks: Vec<&'a str>,
}

/// Reads a plan. Relative paths are resolved against `base_dir`, the folder of the plan file.
///
/// # Errors
/// Every problem of the plan at once, each with its line, its place and a hint. When the text is not TOML at all, only that is told.
pub fn parse(text: &str, base_dir: &Path, known: &Known<'_>) -> Result<Plan, Problems> {
    let sink = Sink::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let line = sink.line(error.span().map_or(0, |span| span.start));
        let message = error.message().replace('\n', ", ");
        sink.report(line, "", Fault::Syntax { message });
    }
    if !errors.is_empty() {
        return Err(Problems(sink.finish()));
    }
    if base_dir.to_str().is_none() {
        let message = "the plan lies in a folder whose name is not UTF-8, which records cannot hold".into();
        sink.report(1, "", Fault::Conflict { message, mend: "move the plan file".into() });
    }
    let plan = meant::plan(written::Plan::read(Section::root(document.get_ref(), &sink)), base_dir, known);
    match (plan, sink.finish()) {
        (Some(plan), problems) if problems.is_empty() => Ok(plan),
        (_, problems) => Err(Problems(problems)),
    }
}
