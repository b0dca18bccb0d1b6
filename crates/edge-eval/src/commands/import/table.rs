//! An import as text: what was observed, with its source, and what follows; a figure that cannot be known is a dash with its reason.

use std::fmt::Write;

use ::import::{Answer, Document, Figure, Measurement, Observed};
use report::{number, shown_unit};
use units::Reading;

/// Width of the column of names.
const NAME: usize = 32;
/// Width of the column of values.
const VALUE: usize = 26;

pub(super) fn render(document: &Document) -> String {
    let mut out = String::new();
    for measurement in &document.measurements {
        section(&mut out, measurement);
    }
    for score in &document.scores {
        let n = score.n.known().map_or_else(|_| "number of items not told".to_owned(), |n| format!("{n} items"));
        let stderr = score.stderr.known().map_or_else(|_| String::new(), |stderr| format!(", standard error {stderr}"));
        let _ = writeln!(out, "score: {} {} {} = {} ({n}{stderr}; {})", score.label, score.task, score.mark, score.value, score.file);
    }
    // Files are other people's: no control character reaches the terminal.
    out.chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

fn section(out: &mut String, measurement: &Measurement) {
    let _ = writeln!(out, "{} ({}, {})", measurement.label, measurement.format, measurement.files.join(", "));
    let _ = writeln!(out, "\n  observed");
    for observed in &measurement.observed {
        row(out, &observed.name, &observed_value(observed), &observed.from);
    }
    let _ = writeln!(out, "\n  figures");
    for figure in &measurement.figures {
        match &figure.estimate {
            Answer::Known(estimate) => row(out, figure.name, &value(figure, estimate.value, estimate.ci95), &figure.notes.join("; ")),
            Answer::Missing { missing } => row(out, figure.name, "-", &missing.to_string()),
        }
    }
    for note in &measurement.notes {
        let _ = writeln!(out, "  note: {note}");
    }
    out.push('\n');
}

fn row(out: &mut String, name: &str, value: &str, rest: &str) {
    let line = format!("    {name:NAME$} {value:VALUE$} {rest}");
    let _ = writeln!(out, "{}", line.trim_end());
}

fn observed_value(observed: &Observed) -> String {
    match &observed.value {
        Reading::Known(value) => format!("{} {}", number(*value, None, observed.unit).value, shown_unit(observed.unit)),
        Reading::Missing(why) => format!("- ({why})"),
    }
}

fn value(figure: &Figure, value: f64, ci95: Option<(f64, f64)>) -> String {
    let text = number(value, ci95, figure.unit);
    let interval = text.interval.map(|interval| format!(" {interval}")).unwrap_or_default();
    format!("{} {}{interval}", text.value, shown_unit(figure.unit))
}
