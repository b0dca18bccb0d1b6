//! The document as sections of prose, tables and lists, before it is text or Markdown.

use crate::document::{Cell, Column, Document, Finding, Group, Interval, Of, Pair};

/// A titled part.
#[derive(Default)]
pub(super) struct Section {
    pub(super) title: String,
    pub(super) before: Vec<String>,
    pub(super) table: Option<Grid>,
    pub(super) after: Vec<String>,
}

/// A table of text.
pub(super) struct Grid {
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// Everything that is printed.
pub(super) fn all(document: &Document) -> Vec<Section> {
    let mut sections = vec![opening(document)];
    for number in document.tables.keys() {
        sections.push(table(document, number));
    }
    if document.of == Of::Paper {
        sections.push(unexplained(document));
        sections.push(audit(&document.audit));
    }
    sections.push(qlora(&document.qlora));
    sections
}

/// How the paper's tables are to be read.
const PAPER: &str = "The paper is Mohammad et al., ACL 2026 Industry, arXiv 2604.19342. A cell reads: as printed = recomputed, or ≠ where the \
    logs give other digits; a number halfway between two may be printed either way. Under a table stands how each column was made: the way that gives \
    most of its printed cells, and what the other ways that were tried give. Tiers are named as in the paper: 1B is 1B (LLaMA) and 1.5B (Qwen), \
    7B is 8B (LLaMA) and 7B (Qwen).";

fn opening(document: &Document) -> Section {
    let title = match document.of {
        Of::Paper => "The paper's tables from its own logs",
        Of::Run => "The paper's tables from this run",
    };
    let mut before = vec![format!("Source: {}. Method: {}.", document.source, document.method)];
    before.push(match document.of {
        Of::Paper => PAPER.to_owned(),
        Of::Run => "A dash is a figure that cannot be known; the reason stands under its table.".to_owned(),
    });
    before.extend(document.notes.iter().map(|note| format!("{}.", sentence(note))));
    Section { title: title.to_owned(), before, ..Section::default() }
}

fn table(document: &Document, number: &str) -> Section {
    let none = Vec::new();
    let cells = document.tables.get(number).unwrap_or(&none);
    let columns = document.columns.get(number).map_or(&[][..], Vec::as_slice);
    let title = document.titles.get(number).map_or("", String::as_str);
    let agreeing = cells.iter().filter(|cell| cell.agrees == Some(true)).count();
    let count = if document.of == Of::Paper { format!(": {agreeing} of {} numbers as printed", cells.len()) } else { String::new() };
    let mut reasons = Vec::new();
    let grid = grid(cells, columns, &mut reasons);
    let after = columns.iter().map(made).chain(reasons.iter().enumerate().map(|(i, reason)| format!("({}) {reason}", i + 1)));
    Section { title: format!("Table {number}. {title}{count}"), table: Some(grid), after: after.collect(), ..Section::default() }
}

/// How a column was made, and what else gives some of it.
fn made(column: &Column) -> String {
    let Column { column: name, unit, aggregator, ways } = column;
    let Some(best) = ways.iter().find(|way| way.name == *aggregator) else { return format!("{name}, {unit}: {aggregator}") };
    let others: Vec<_> = ways.iter().filter(|way| way.name != *aggregator).collect();
    let told: Vec<String> = others.iter().filter(|way| way.agrees > 0).map(|way| format!("{}: {}", way.name, way.agrees)).collect();
    let silent = others.len() - told.len();
    let also = if told.is_empty() { String::new() } else { format!("; {}", told.join("; ")) };
    let none = if silent == 0 { String::new() } else { format!("; {silent} other ways give none") };
    format!("{name}, {unit}: {aggregator}: {} of {}{also}{none}", best.agrees, best.of)
}

fn grid(cells: &[Cell], columns: &[Column], reasons: &mut Vec<String>) -> Grid {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for cell in cells {
        if rows.last().is_none_or(|row| row[0] != cell.row) {
            let mut row = vec![String::new(); columns.len() + 1];
            row[0].clone_from(&cell.row);
            rows.push(row);
        }
        let place = columns.iter().position(|column| column.column == cell.column);
        if let (Some(row), Some(place)) = (rows.last_mut(), place) {
            row[place + 1] = shown(cell, &columns[place].unit, reasons);
        }
    }
    let head = std::iter::once(String::new()).chain(columns.iter().map(|column| column.column.clone()));
    Grid { head: head.collect(), rows }
}

fn shown(cell: &Cell, unit: &str, reasons: &mut Vec<String>) -> String {
    match (&cell.printed, cell.recomputed) {
        (Some(printed), Some(value)) => {
            let decimals = printed.split_once('.').map_or(0, |(_, fraction)| fraction.len()) + 2;
            let sign = if cell.agrees == Some(true) { '=' } else { '≠' };
            format!("{printed} {sign} {value:.decimals$}")
        }
        (None, Some(value)) => {
            let text = report::number(value, None, unit).value;
            match cell.made_of {
                Some((made_of, planned)) if made_of < planned => {
                    let place =
                        reason(format!("of {made_of} of {planned} values: {}", cell.missing.as_deref().unwrap_or_default()), reasons);
                    format!("{text} ({place})")
                }
                _ => text,
            }
        }
        (printed, None) => {
            let place = reason(cell.missing.clone().unwrap_or_else(|| "not known".into()), reasons);
            let printed = printed.as_ref().map_or(String::new(), |printed| format!("{printed} ≠ "));
            format!("{printed}- ({place})")
        }
    }
}

/// The number under which a reason stands.
fn reason(text: String, reasons: &mut Vec<String>) -> usize {
    if let Some(place) = reasons.iter().position(|known| *known == text) {
        return place + 1;
    }
    reasons.push(text);
    reasons.len()
}

fn unexplained(document: &Document) -> Section {
    let title = format!("Printed numbers that do not follow from the logs: {}", document.unexplained.len());
    let head = ["table", "row", "column", "printed", "recomputed"].map(str::to_owned).to_vec();
    let row = |cell: &crate::document::Unexplained| {
        let recomputed = cell.recomputed.map_or_else(|| "-".to_owned(), digits);
        vec![cell.table.to_string(), cell.row.clone(), cell.column.clone(), cell.printed.clone(), recomputed]
    };
    let rows = document.unexplained.iter().map(row).collect();
    Section { title, table: Some(Grid { head, rows }), ..Section::default() }
}

fn audit(findings: &[Finding]) -> Section {
    let line = |finding: &Finding| {
        let claim = match (&finding.claim, finding.holds) {
            (Some(claim), Some(true)) => format!("Said: {claim}. It holds. "),
            (Some(claim), Some(false)) => format!("Said: {claim}. It does not hold. "),
            (Some(claim), None) => format!("Said: {claim}. These logs cannot tell. "),
            (None, _) => String::new(),
        };
        let rests_on = if finding.rests_on.is_empty() { String::new() } else { format!(" [{}]", finding.rests_on.join("; ")) };
        format!("{}: {claim}{}.{rests_on}", finding.name, sentence(&finding.finding))
    };
    Section { title: "What else the logs show".into(), after: findings.iter().map(line).collect(), ..Section::default() }
}

/// With a capital at its beginning, unless that is a name such as `train_energy_j`.
fn sentence(text: &str) -> String {
    if text.split(' ').next().is_some_and(|word| word.contains('_')) {
        return text.to_owned();
    }
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

fn qlora(groups: &[Group]) -> Section {
    let head = ["", "energy", "time", "power", "per", "verdict"].map(str::to_owned).to_vec();
    let mut rows = Vec::new();
    for group in groups {
        rows.extend(group.pairs.iter().map(pair));
        let value = |interval: &Option<Interval>| interval.as_ref().map_or_else(|| "-".to_owned(), interval_text);
        let name = format!("{}, together", group.model);
        rows.push(vec![name, value(&group.energy), value(&group.time), value(&group.power), String::new(), group.verdict.clone()]);
    }
    let mut after: Vec<String> = groups.iter().map(|group| format!("{}: {}", group.model, group.because)).collect();
    after.dedup();
    let unknown = groups.iter().flat_map(|group| &group.pairs).flat_map(|pair| &pair.unknown);
    let mut unknown: Vec<&str> = unknown.map(String::as_str).collect();
    unknown.sort_unstable();
    unknown.dedup();
    if !unknown.is_empty() {
        after.push(format!("Not known on both sides in some pairs: {}.", unknown.join(", ")));
    }
    let before = vec![
        "QLoRA over LoRA of the same model and task. Energy per token or row is time times power; in brackets 95% intervals over the pairs, whose \
         geometric mean it is. Only a controlled pair says something of the method."
            .to_owned(),
    ];
    Section { title: "The QLoRA question".into(), before, table: Some(Grid { head, rows }), after }
}

fn pair(pair: &Pair) -> Vec<String> {
    let value = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{}×", digits(value)));
    let per = pair.per.clone().unwrap_or_default();
    let verdict = if pair.energy.is_some() { pair.verdict.clone() } else { format!("{}: {}", pair.verdict, pair.because) };
    vec![pair.subject.clone(), value(pair.energy), value(pair.time), value(pair.power), per, verdict]
}

fn interval_text(interval: &Interval) -> String {
    let text = report::number(interval.value, interval.ci95, "");
    text.interval.map_or_else(|| format!("{}×", text.value), |ends| format!("{}× {ends}", text.value))
}

fn digits(value: f64) -> String {
    report::number(value, None, "").value
}
