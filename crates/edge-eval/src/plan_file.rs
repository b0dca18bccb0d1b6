//! Reading a plan file with every registry at hand, and telling all of its problems at once.

use std::path::Path;

use anyhow::Context;
use plan::{Known, Plan};

use crate::end::End;

/// A plan, or how the program ends because it is none.
pub(crate) fn read(path: Option<&Path>) -> anyhow::Result<Result<Plan, End>> {
    let Some(path) = path else { return Ok(parse(plan::quickstart(), Path::new("."), "the quickstart's plan")) };
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("reading the plan {} (`edge-eval init` writes one to start from)", path.display()))?;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = std::path::absolute(folder).with_context(|| format!("resolving {}", folder.display()))?;
    Ok(parse(&text, &folder, &path.display().to_string()))
}

#[expect(clippy::print_stderr, reason = "problems of a plan are told here, all at once")]
fn parse(text: &str, folder: &Path, name: &str) -> Result<Plan, End> {
    plan::parse(text, folder, &known()).map_err(|problems| {
        eprintln!("error: {name} cannot be used:\n{problems}");
        End::BadPlan
    })
}

/// The words that the registries allow.
fn known() -> Known<'static> {
    Known {
        tasks: score::TASKS.iter().map(|task| task.name).collect(),
        engines: serve::engines::names(),
        meters: meter::METERS.iter().map(|meter| meter.name).collect(),
        marks: score::MARKS.iter().map(|mark| mark.name).chain(score::marks::RATED.iter().map(|(name, _)| *name)).collect(),
    }
}
