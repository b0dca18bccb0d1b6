//! What must be known before a figure is believed, gathered from the figures' notes and sources, the cells and the failed stages.

use std::collections::BTreeMap;

use maud::{Markup, html as markup};
use metric::{
    CellView,
    adaptation::{Control, compare, of_cell},
};
use plan::Strategy;

use super::words::count;
use crate::{
    document::{CellFigures, Document, Figure},
    gather::Run,
};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    /// Figures are not what they seem, or absent.
    Heavy,
    /// Figures are right under a condition.
    Mind,
}

/// One warning.
#[derive(Debug)]
struct Warning {
    grade: Grade,
    /// In a word or two.
    head: &'static str,
    /// In a sentence.
    text: String,
    /// Which cells, pairs or stages, each with what was seen.
    of: Vec<String>,
}

/// Every warning, the heavy ones first.
pub(super) fn section(run: &Run) -> Markup {
    let mut warnings = of(run);
    warnings.sort_by_key(|warning| warning.grade);
    markup! {
        section #warnings aria-labelledby="warnings-title" {
            h2 #warnings-title { "Warnings" }
            @if warnings.is_empty() { p { "None." } }
            ul.warnings {
                @for warning in &warnings {
                    li.heavy[warning.grade == Grade::Heavy] {
                        strong { (warning.head) ": " } (warning.text)
                        @if !warning.of.is_empty() {
                            details { summary { "Where (" (warning.of.len()) ")" } ul { @for one in &warning.of { li { (one) } } } }
                        }
                    }
                }
            }
        }
    }
}

/// The warnings in a word each, for the top of the page.
pub(super) fn chips(run: &Run) -> Markup {
    let mut warnings = of(run);
    warnings.sort_by_key(|warning| warning.grade);
    markup! {
        @if !warnings.is_empty() {
            p.chips {
                strong { "Read with: " }
                @for warning in &warnings { a.chip.heavy[warning.grade == Grade::Heavy] href="#warnings" { (warning.head) } " " }
            }
        }
    }
}

fn of(run: &Run) -> Vec<Warning> {
    let document = run.document();
    [
        modelled(document),
        failures(document),
        unfit(document),
        client(document),
        flagged(document),
        confounded(run),
        inconclusive(document),
        unfinished(document),
    ]
    .into_iter()
    .flatten()
    .chain(told(document))
    .chain(from_notes(document))
    .collect()
}

fn modelled(document: &Document) -> Option<Warning> {
    let rests = |cell: &&CellFigures| cell.metrics.values().any(|figure| figure.source.as_deref() == Some("modelled"));
    let cells: Vec<&CellFigures> = document.cells.iter().filter(rests).collect();
    (!cells.is_empty()).then(|| Warning {
        grade: Grade::Heavy,
        head: "Modelled energy",
        text: format!(
            "in {} of {} no meter was read: energy there is CPU time times a stated power per core. Whatever rests on it (joules, carbon, money, \
             break-even, IPW, cold-start tax) is as good as that number.",
            cells.len(),
            count(document.cells.len(), "cell")
        ),
        of: if cells.len() == document.cells.len() { Vec::new() } else { cells.into_iter().map(name).collect() },
    })
}

fn failures(document: &Document) -> Option<Warning> {
    let failed = &document.failures;
    (!failed.is_empty()).then(|| Warning {
        grade: Grade::Heavy,
        head: "Failed stages",
        text: format!("{} did not finish; what rests on them is missing.", count(failed.len(), "stage")),
        of: failed.iter().map(|one| format!("{}: {}", one.label, one.reason)).collect(),
    })
}

fn unfit(document: &Document) -> Option<Warning> {
    let told = document.cells.iter().filter_map(|cell| Some((cell, cell.does_not_fit.as_ref()?)));
    let of: Vec<String> = told.map(|(cell, it)| format!("{}: {}: {}", name(cell), it.stage, it.told)).collect();
    let n = count(of.len(), "cell");
    (!of.is_empty()).then(|| Warning { grade: Grade::Mind, head: "Does not fit", text: format!("{n} need more memory than there is."), of })
}

fn client(document: &Document) -> Option<Warning> {
    let bound = document.cells.iter().chain(&document.levels).filter_map(|cell| Some((cell, cell.client_bound.as_ref()?)));
    let of: Vec<String> = bound.map(|(cell, why)| format!("{}{}: {why}", name(cell), level(cell))).collect();
    let warning = |head, text: &str, of| Some(Warning { grade: Grade::Heavy, head, text: text.to_owned(), of });
    match (&document.client.certificate, of.is_empty()) {
        (None, _) => warning(
            "Client not calibrated",
            "nobody has shown that the load client keeps up on this machine: latencies may be its own.",
            of,
        ),
        (Some(_), false) => warning("Client-bound", "these latencies and rates may be the load client's limit and not the server's.", of),
        (Some(_), true) => None,
    }
}

fn flagged(document: &Document) -> Option<Warning> {
    let of: Vec<String> = document
        .cells
        .iter()
        .filter(|cell| !cell.flags.is_empty())
        .map(|cell| format!("{}: {}", name(cell), cell.flags.join("; ")))
        .collect();
    let text = "the engine did not keep to what was asked of it, or counted wrongly.".to_owned();
    (!of.is_empty()).then_some(Warning { grade: Grade::Heavy, head: "Flagged answers", text, of })
}

/// Pairs of adaptations that differ in more than their method.
fn confounded(run: &Run) -> Option<Warning> {
    let pair = |view: CellView<'_>| {
        let lora = view.sibling(Strategy::LoraFp16).and_then(|view| of_cell(&view)).ok()?;
        let pair = compare(&lora, &of_cell(&view).ok()?).ok()?;
        (!matches!(pair.control, Control::Controlled)).then(|| format!("{}: {}", pair.subject, pair.control))
    };
    let mut of: Vec<String> = run.campaign().views().filter(|view| view.cell().strategy == Strategy::QloraInt4).filter_map(pair).collect();
    of.dedup();
    (!of.is_empty()).then(|| Warning {
        grade: Grade::Heavy,
        head: "Confounded",
        text: "QLoRA and LoRA differ here in more than the method: their ratio of energies says nothing of QLoRA.".into(),
        of,
    })
}

fn inconclusive(document: &Document) -> Option<Warning> {
    let told = |cell: &CellFigures| {
        let notes: Vec<&str> =
            cell.metrics.get("q_ret")?.notes.iter().filter(|note| note.contains("inconclusive")).map(String::as_str).collect();
        (!notes.is_empty()).then(|| format!("{}: {}", name(cell), notes.join("; ")))
    };
    let of: Vec<String> = document.cells.iter().filter_map(told).collect();
    let text = format!("for {} the items are too few to tell whether quantisation keeps to MLPerf's gates.", count(of.len(), "cell"));
    (!of.is_empty()).then_some(Warning { grade: Grade::Mind, head: "Inconclusive fidelity", text, of })
}

fn unfinished(document: &Document) -> Option<Warning> {
    let waits =
        |cell: &&CellFigures| cell.metrics.values().any(|figure| figure.missing.as_deref().is_some_and(|why| why.contains("not run yet")));
    let of: Vec<String> = document.cells.iter().filter(waits).map(name).collect();
    let text = format!("{} have stages that have not run yet.", count(of.len(), "cell"));
    (!of.is_empty()).then_some(Warning { grade: Grade::Heavy, head: "Unfinished", text, of })
}

/// What the document says of its prices and machines.
fn told(document: &Document) -> Vec<Warning> {
    let head = |text: &str| {
        let known = HEADS.iter().find(|(holds, ..)| text.contains(holds));
        known.map_or(("To mind", Grade::Mind), |(_, head, grade)| (*head, *grade))
    };
    let warning = |text: &String| {
        let (head, grade) = head(text);
        Warning { grade, head, text: format!("{text}."), of: Vec::new() }
    };
    document.warnings.iter().map(warning).collect()
}

/// What a warning of the document holds, its head, and how bad it is.
const HEADS: &[(&str, &str, Grade)] = &[
    ("different GPUs", "Different GPUs", Grade::Heavy),
    ("machine's time has no price", "Energy alone", Grade::Mind),
    ("C_setup is 0", "No setup cost", Grade::Mind),
    ("grid's intensity", "No carbon", Grade::Mind),
    ("no cell is adapted", "Nothing adapted", Grade::Mind),
    (" old", "Old price", Grade::Mind),
];

/// Notes of figures that limit what they mean: a head, and how the note begins or what it holds.
const LIMITING: &[(&str, &str)] = &[
    ("Runs left out", "is left out: "),
    ("Warm page cache", "page cache: warm"),
    ("Page cache unknown", "page cache: unknown"),
    ("Prefix cache", "prefix cache"),
    ("Several GPUs or devices shared", "foreign"),
];

fn from_notes(document: &Document) -> Vec<Warning> {
    let mut found: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for cell in &document.cells {
        let notes = || cell.metrics.iter().flat_map(|(metric, Figure { notes, .. })| notes.iter().map(move |note| (metric, note)));
        for (head, holds) in LIMITING {
            let mut of_cell: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for (metric, note) in notes().filter(|(_, note)| note.contains(holds)) {
                of_cell.entry(note).or_default().push(metric);
            }
            let lines = of_cell.into_iter().map(|(note, metrics)| format!("{}, {}: {note}", name(cell), metrics.join(", ")));
            found.entry(head).or_default().extend(lines);
        }
    }
    let warning = |(head, of): (&'static str, Vec<String>)| Warning {
        grade: Grade::Mind,
        head,
        text: format!("{} to be read with figures.", count(of.len(), "note")),
        of,
    };
    found.into_iter().filter(|(_, of)| !of.is_empty()).map(warning).collect()
}

fn name(cell: &CellFigures) -> String {
    format!("{} · {} · {} · {}", cell.model(), cell.task, cell.strategy, cell.engine)
}

fn level(cell: &CellFigures) -> String {
    cell.concurrency.map_or_else(String::new, |streams| format!(" at {}", count(streams as usize, "stream")))
}
