//! The report for a terminal: plain text in columns, no colour.

use std::fmt::Write;

use comfy_table::{ContentArrangement, presets};

use crate::{
    SizeComparison, Statement, VariantEconomics,
    document::Document,
    grid::{Grid, Table, Text},
};

/// Draws the report: the deployment metrics and the main figures behind them.
pub(crate) fn render(document: &Document) -> String {
    let grid = Grid::main(document);
    let mut out = clean(&headline(document)) + "\n" + &clean(&document.client.summary) + "\n";
    list(&mut out, "", document.warnings.iter().map(|warning| format!("warning: {warning}")));
    for table in &grid.tables {
        if table.groups.is_empty() {
            continue;
        }
        out.push('\n');
        if !table.title.is_empty() {
            let _ = writeln!(out, "{}", table.title);
        }
        out += &draw(table);
    }
    list(&mut out, "", grid.remarks.iter().enumerate().map(|(i, remark)| format!("({}) {remark}", i + 1)));
    list(&mut out, MONEY, document.economics.iter().map(money));
    list(&mut out, STATEMENTS, document.statements.iter().map(statement));
    list(&mut out, CROSSINGS, document.crossings.iter().map(crossing));
    list(&mut out, BRACKETS, grid.legend.into_iter());
    list(&mut out, "Stages that failed", failures(document));
    out
}

/// The title over the short forms of each variant's money.
pub(crate) const MONEY: &str = "Beside the hosted model";

/// The short form of a variant's money.
pub(crate) fn money(one: &VariantEconomics) -> String {
    format!("{}: {}", one.label(), one.sentences.join(". "))
}

/// The title over the statements on sizes.
pub(crate) const STATEMENTS: &str = "Statements on sizes, beyond the intervals";

/// One statement, with what it is of and how it fares.
pub(crate) fn statement(one: &Statement) -> String {
    format!("{}, {}, {}: {}: {}", one.task, one.strategy, one.engine, one.text, one.said)
}

/// The title over the comparisons of sizes.
pub(crate) const CROSSINGS: &str = "Where one size crosses another";

/// One comparison of sizes, with what it is of.
pub(crate) fn crossing(one: &SizeComparison) -> String {
    format!("{}, {}, {}: {}", one.task, one.strategy, one.engine, one.sentence)
}

/// How intervals and n are to be read.
pub(crate) const BRACKETS: &str =
    "In brackets: 95% intervals. n: independent observations, in the column's head for figures without their own.";

fn list(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_none() {
        return;
    }
    out.push('\n');
    if !title.is_empty() {
        let _ = writeln!(out, "{title}");
    }
    for line in lines {
        let _ = writeln!(out, "{}", clean(&line));
    }
}

fn failures(document: &Document) -> impl Iterator<Item = String> {
    document.failures.iter().flat_map(|failure| {
        let head = format!("{}: {}", failure.label, failure.reason);
        std::iter::once(head).chain(failure.last_lines.iter().map(|line| format!("    {line}")))
    })
}

/// What was run where, in a line.
pub(crate) fn headline(document: &Document) -> String {
    let (run, cells, method) = (&document.run, document.cells.len(), &document.method);
    format!("{run}: {cells} cells, method {method}, on {}", place(document))
}

/// The machine, in a line.
pub(crate) fn place(document: &Document) -> String {
    let machine = &document.machine;
    let mut parts = vec![machine.cpu.clone().unwrap_or_else(|| "an unnamed processor".into()), format!("{} cores", machine.cores)];
    parts.extend(machine.memory.map(|memory| format!("{:.1} GB", memory.gigabytes())));
    parts.extend(machine.gpus.iter().cloned());
    format!("{} (machine {})", parts.join(", "), machine.digest)
}

pub(crate) fn draw(table: &Table) -> String {
    let mut drawn = comfy_table::Table::new();
    drawn.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    drawn.set_header(table.head.iter().map(cell));
    for (i, group) in table.groups.iter().enumerate() {
        if i > 0 {
            drawn.add_row(table.head.iter().map(|_| ""));
        }
        for row in group {
            drawn.add_row(row.iter().map(cell));
        }
    }
    let mut out = String::new();
    for line in drawn.lines() {
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn cell(text: &Text) -> comfy_table::Cell {
    let line = clean(&text.marked());
    let content = if text.under.is_empty() { line } else { format!("{line}\n{}", clean(&text.under)) };
    comfy_table::Cell::new(content)
}

/// Text from elsewhere without control characters, which a terminal would obey.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
