//! A task as meant: its marks, its prompts' limits, and where its rows come from.

use std::path::{Path, PathBuf};

use super::{BUILTIN, MANY, belongs, hub_id, label, not_empty, words, written};
use crate::{
    DataSpec, Known, Parts, Rows, RowsFrom, TaskSpec,
    problem::Fault,
    reader::{Choice, Place},
    value::quoted,
};

pub(super) fn task<'a>(w: written::Task<'a>, base: &Path, known: &Known<'_>) -> (Place<'a>, Option<TaskSpec>) {
    let kind = w.kind.one_of("task kind", &known.tasks).required();
    let name = if w.name.is_written() { w.name.check(label).required() } else { kind.clone() };
    let data = data(&w.place, [w.train, w.eval, w.rows], w.parts, base);
    let columns = w.columns.or(std::collections::BTreeMap::new());
    let bad_rows = w.bad_rows.within(0, MANY).or(0);
    let train_rows = w.train_rows.within(1, MANY).required();
    let eval_rows = w.eval_rows.within(1, MANY).required();
    let primary = w.primary.one_of("mark", &known.marks).required();
    let marks = match w.marks {
        Some(marks) => words(marks, "mark", &known.marks, |word| Some(word.to_owned())),
        None => Some(Vec::new()),
    };
    let max_tokens = w.max_tokens.within(1, 1_000_000).or(128);
    let max_prompt_tokens = w.max_prompt_tokens.within(1, 10_000_000).optional();
    let system = w.system.optional();
    let alpha = w.alpha.positive(1e6).or(1.0);
    let spec = || {
        Some(TaskSpec {
            name: name?,
            kind: kind?,
            data: data?,
            columns: columns?,
            bad_rows: bad_rows?,
            train_rows: train_rows?,
            eval_rows: eval_rows?,
            primary: primary?,
            marks: marks?,
            max_tokens: max_tokens?,
            max_prompt_tokens: max_prompt_tokens?,
            system: system?,
            alpha: alpha?,
        })
    };
    (w.place, spec())
}

/// `train` and `eval`, or `rows` with `parts`.
fn data(
    place: &Place<'_>,
    [train, eval, rows]: [Choice<'_, written::Rows<'_>>; 3],
    parts: Option<written::Parts<'_>>,
    base: &Path,
) -> Option<DataSpec> {
    let are_parts = !matches!(rows, Choice::Absent) || parts.is_some();
    let are_apart = !matches!((&train, &eval), (Choice::Absent, Choice::Absent));
    if are_parts && are_apart {
        let message = "rows are named twice: by train and eval, and by rows".into();
        place.report(Fault::Conflict { message, mend: "keep train and eval, or rows with parts".into() });
        return None;
    }
    if are_parts {
        let rows = self::rows("rows", place, rows, base);
        let parts = self::parts(place, parts);
        return Some(DataSpec::Parts { rows: rows?, parts: parts? });
    }
    let train = self::rows("train", place, train, base);
    let eval = self::rows("eval", place, eval, base);
    let (train, eval) = (train?, eval?);
    if train == eval && train.from != RowsFrom::Builtin {
        let message = "train and eval are the same rows, so the scores would be of rows that were trained on".into();
        place.report(Fault::Conflict { message, mend: "name two splits or files, or one as rows with parts".into() });
        return None;
    }
    Some(DataSpec::Apart { train, eval })
}

fn parts(place: &Place<'_>, written: Option<written::Parts<'_>>) -> Option<Parts> {
    let Some(written) = written else {
        let message = "rows without parts: nothing says which of them are held out".into();
        place.report(Fault::Conflict { message, mend: "add parts = { train = 70, validation = 15 }; the rest is scored".into() });
        return None;
    };
    let train = written.train.within(1, 99).required();
    let validation = written.validation.within(0, 98).or(0);
    let (train, validation) = (train?, validation?);
    if train + validation > 99 {
        let message = format!("{train} and {validation} percent leave nothing to score on");
        written.place.report(Fault::Conflict { message, mend: "leave at least 1 percent".into() });
        return None;
    }
    Some(Parts { train: u8::try_from(train).ok()?, validation: u8::try_from(validation).ok()? })
}

fn rows(key: &'static str, place: &Place<'_>, written: Choice<'_, written::Rows<'_>>, base: &Path) -> Option<Rows> {
    match written {
        Choice::Bad => None,
        Choice::Absent => {
            let mend = "give train and eval, or rows with parts: a path, \"builtin\", or a table with path or hub";
            place.report(Fault::Conflict { message: format!("no {key} rows named"), mend: mend.into() });
            None
        }
        Choice::Word(word) => word.check(path).good().map(|word| match word.as_str() {
            BUILTIN => Rows::builtin(),
            path => Rows::at(base.join(path)),
        }),
        Choice::Table(table) => table_rows(table, base),
    }
}

fn table_rows(w: written::Rows<'_>, base: &Path) -> Option<Rows> {
    belongs(&w.revision, w.hub.is_written(), "hub");
    if w.path.is_written() == w.hub.is_written() {
        let message = "rows come from a path or from the hub".into();
        w.place.report(Fault::Conflict { message, mend: "give exactly one of: path, hub".into() });
        return None;
    }
    let config = w.config.check(not_empty).optional();
    let split = w.split.check(not_empty).optional();
    let from = if w.path.is_written() {
        w.path.good().map(|path: PathBuf| RowsFrom::Path(base.join(path)))
    } else {
        let id = w.hub.check(hub_id).good();
        let revision = w.revision.check(not_empty).or("main".into());
        id.zip(revision).map(|(id, revision)| RowsFrom::Hub { id, revision })
    };
    Some(Rows { from: from?, config: config?, split: split? })
}

/// What a path cannot be; the same as for every other path of a plan.
#[expect(clippy::ptr_arg, reason = "a check takes the field's own type")]
fn path(text: &String) -> Option<Fault> {
    let unfit = text.is_empty() || text.contains('\0') || text.starts_with('~');
    unfit.then(|| Fault::OutOfRange { found: format!("{:?}", quoted(text)), allowed: "a path written out (not empty, no `~`)".into() })
}
