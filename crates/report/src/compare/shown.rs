//! A comparison for people: what makes the runs unlike each other first, then the figures, then the gates. Nothing is decided here.

use std::fmt::Write;

use super::{CellComparison, Check, Comparison, FigureComparison, GateResult, ShownChange, Verdict};
use crate::{
    document::Figure,
    grid::{Table, Text},
    markdown, number,
    terminal::{clean, draw},
};

/// Differences of set-up that are told one by one; JSON has them all.
const MOST_TOLD: usize = 24;
/// Longest fact that is told.
const LONGEST: usize = 60;

/// The comparison as text in columns.
pub(super) fn terminal(comparison: &Comparison) -> String {
    let mut out = String::new();
    for line in heading(comparison) {
        let _ = writeln!(out, "{}", clean(&line));
    }
    for table in tables(comparison) {
        let _ = write!(out, "\n{}", draw(&table));
    }
    out.push('\n');
    for line in notes(comparison).into_iter().chain(gates(comparison)) {
        let _ = writeln!(out, "{}", clean(&line));
    }
    out
}

/// The same in Markdown.
pub(super) fn markdown(comparison: &Comparison) -> String {
    let mut out = String::from("# Comparison\n\n");
    let list = |out: &mut String, lines: Vec<String>| {
        for line in lines {
            let _ = writeln!(out, "* {}", markdown::escape(&line));
        }
    };
    list(&mut out, heading(comparison));
    for table in tables(comparison) {
        out.push('\n');
        markdown::write_table(&mut out, &table);
    }
    out.push('\n');
    list(&mut out, notes(comparison));
    if !comparison.gates.is_empty() {
        out += "\n## Gates\n\n";
        list(&mut out, gates(comparison));
    }
    out
}

/// The runs, and what makes them unlike each other.
fn heading(comparison: &Comparison) -> Vec<String> {
    let mut lines = Vec::new();
    for run in &comparison.runs {
        let role = if run.letter == 'A' { " (the baseline)" } else { "" };
        let machine = &run.machine;
        let cpu = machine.cpu.as_deref().unwrap_or("an unnamed processor");
        let gpus = if machine.gpus.is_empty() { String::new() } else { format!(", {}", machine.gpus.join(", ")) };
        lines.push(format!(
            "{}{role}: {} · {} · {cpu}, {} cores{gpus} · edge-eval {}",
            run.letter, run.path, run.run, machine.cores, machine.edge_eval
        ));
    }
    for one in comparison.setup_differences.iter().take(MOST_TOLD) {
        lines.push(format!("unlike A: {} has {} = {}, A has {}", one.run, one.fact, short(&one.new), short(&one.baseline)));
    }
    let more = comparison.setup_differences.len().saturating_sub(MOST_TOLD);
    if more > 0 {
        lines.push(format!("unlike A: {more} more facts (--json tells them all)"));
    }
    if comparison.setup_differences.is_empty() && comparison.runs.len() > 1 {
        lines.push("machine, versions, data and plan are the same".to_owned());
    }
    lines.extend(comparison.unmatched.iter().map(|what| format!("not compared: {what}")));
    lines
}

fn short(text: &str) -> String {
    if text.chars().count() <= LONGEST { text.to_owned() } else { text.chars().take(LONGEST - 1).chain(['…']).collect() }
}

/// One table for each run beside the baseline.
fn tables(comparison: &Comparison) -> Vec<Table> {
    let of_run = |letter: char| {
        let groups = comparison.cells.iter().filter(|cell| cell.run == letter).map(rows).filter(|rows| !rows.is_empty()).collect();
        let head = [
            "cell".to_owned(),
            "figure".to_owned(),
            "A".to_owned(),
            letter.to_string(),
            format!("{letter} − A"),
            format!("{letter} / A − 1"),
            "p (Holm)".to_owned(),
            String::new(),
        ];
        Table { title: "", head: head.map(|text| Text::new(text, "")).into(), groups }
    };
    comparison.runs.iter().skip(1).map(|run| of_run(run.letter)).filter(|table| !table.groups.is_empty()).collect()
}

fn rows(cell: &CellComparison) -> Vec<Vec<Text>> {
    // A figure that neither run can have is no row.
    let known = cell.figures.iter().filter(|figure| figure.baseline.value.is_some() || figure.new.value.is_some());
    known.enumerate().map(|(i, figure)| row(i, cell, figure)).collect()
}

fn row(i: usize, cell: &CellComparison, figure: &FigureComparison) -> Vec<Text> {
    let name = match (i, &cell.counterpart) {
        (0, None) => Text::new(cell.label(), ""),
        (0, Some(other)) => Text::new(cell.label(), format!("A: {other}")),
        _ => Text::default(),
    };
    let unit = &figure.new.unit;
    let said = match (figure.verdict, &figure.untested) {
        (Verdict::Untested, Some(why)) => Text::new(figure.verdict.words(), short(why)),
        _ => Text::new(figure.verdict.words(), figure.notes.iter().map(|note| short(note)).collect::<Vec<_>>().join("; ")),
    };
    vec![
        name,
        Text::new(&figure.metric, number::shown_unit(unit)),
        value(&figure.baseline),
        value(&figure.new),
        change(figure.difference.as_ref(), unit, ""),
        change(figure.relative_percent.as_ref(), "%", "%"),
        Text::new(figure.p_holm.map_or_else(String::new, p_value), ""),
        said,
    ]
}

fn value(figure: &Figure) -> Text {
    let Some(value) = figure.value else { return Text::new("-", short(figure.missing.as_deref().unwrap_or_default())) };
    let text = number::text(value, figure.ci95, &figure.unit);
    Text::new(text.value, text.interval.unwrap_or_default())
}

/// A change with its sign.
fn change(change: Option<&ShownChange>, unit: &str, mark: &str) -> Text {
    let Some(change) = change else { return Text::default() };
    let text = number::text(change.value, change.ci95, unit);
    let sign = if change.value > 0.0 { "+" } else { "" };
    Text::new(format!("{sign}{}{mark}", text.value), text.interval.unwrap_or_default())
}

fn p_value(p: f64) -> String {
    if p < 0.0001 { "< 0.0001".to_owned() } else { format!("{p:.4}") }
}

fn notes(comparison: &Comparison) -> Vec<String> {
    if comparison.family == 0 {
        return vec!["nothing could be tested: no figure has an interval in both runs".to_owned()];
    }
    let count = |verdict| comparison.cells.iter().flat_map(|cell| &cell.figures).filter(|figure| figure.verdict == verdict).count();
    let [better, worse, none] = [Verdict::Better, Verdict::Worse, Verdict::NoDetectableDifference].map(count);
    vec![
        format!(
            "{} figures were tested together: {better} better, {worse} worse, {none} with no detectable difference. p-values are corrected by Holm, so that the chance of any \
             false claim among them is at most 5%; intervals are 95% of each figure alone",
            comparison.family
        ),
        "no detectable difference is not sameness: the interval tells what the data leave possible".to_owned(),
    ]
}

fn gates(comparison: &Comparison) -> Vec<String> {
    comparison.gates.iter().flat_map(gate).collect()
}

/// A gate in a line, and a line for each cell that is not within it.
fn gate(result: &GateResult) -> Vec<String> {
    let kept = result.checks.iter().filter(|check| check.outcome == super::Outcome::Kept).count();
    let why = result.missing.as_ref().map_or_else(|| format!("{kept} of {} cells are surely within it", result.checks.len()), Clone::clone);
    let mut lines = vec![format!("gate '{}': {} ({why})", result.gate, result.outcome.word())];
    lines.extend(result.checks.iter().filter(|check| check.outcome != super::Outcome::Kept || check.note.is_some()).map(told));
    lines
}

fn told(check: &Check) -> String {
    let held = check.held.as_ref().map_or_else(String::new, |held| {
        let text = number::text(held.value, held.ci95, "");
        format!(", {}{}", text.value, text.interval.map_or_else(String::new, |interval| format!(" {interval}")))
    });
    let p = check.p_holm.map_or_else(String::new, |p| format!(", p {}{}", if p < 0.0001 { "" } else { "= " }, p_value(p)));
    let note = check.note.as_ref().map_or_else(String::new, |note| format!("; {note}"));
    format!("    {} by {} · {}{held}{p}{note}", check.outcome.word(), check.run, check.cell)
}
