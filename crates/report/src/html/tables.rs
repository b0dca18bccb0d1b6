//! The tables of every figure, and what the figures mean.

use maud::{Markup, html as markup};

use crate::{
    document::{Better, Document},
    grid::{Grid, Table, Text},
    terminal,
};

/// All figures of all variants, and of their levels of concurrency.
pub(super) fn section(document: &Document) -> Markup {
    let grid = Grid::whole(document);
    let tables = || grid.tables.iter().filter(|table| !table.groups.is_empty());
    markup! {
        section #figures aria-labelledby="figures-title" {
            h2 #figures-title { "Figures" }
            p { (terminal::BRACKETS) " A head sorts its column; the field keeps the rows that hold all its words, such as " code { "rag int4" } "." }
            p.tools {
                label { "Rows with " input type="search" data-filter="figures" placeholder="model, task, strategy, engine"; }
                " " output data-filtered="figures" {}
                " " button type="button" data-csv="figures" { "All figures as CSV" }
            }
            @for table in tables() {
                @if !table.title.is_empty() { h3 { (table.title) } }
                (one(table))
            }
            @if !grid.remarks.is_empty() {
                ol.remarks { @for (i, remark) in grid.remarks.iter().enumerate() { li id={ "remark-" (i + 1) } { (remark) } } }
            }
            @if !document.crossings.is_empty() {
                h3 { (terminal::CROSSINGS) }
                ul { @for one in &document.crossings { li { (terminal::crossing(one)) } } }
            }
        }
    }
}

fn one(table: &Table) -> Markup {
    let label = if table.title.is_empty() { "Further figures" } else { table.title };
    markup! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            table.sortable.filtered {
                thead { tr {
                    th scope="col" { "model" }
                    th scope="col" { "task" }
                    th scope="col" { "strategy" }
                    th scope="col" { "engine" }
                    @for head in table.head.iter().skip(2) { th scope="col" { (text(head)) } }
                } }
                @for group in &table.groups { tbody { (rows(group)) } }
            }
        }
    }
}

/// The rows of one model, task and engine. In the grid only the first of them says whose they are; here each does, for it may be sorted away.
fn rows(group: &[Vec<Text>]) -> Markup {
    let whose = group.first().and_then(|row| row.first()).cloned().unwrap_or_default();
    markup! {
        @for row in group {
            tr {
                th scope="row" { (whose.line) }
                td { (whose.under) }
                @if let Some(strategy) = row.get(1) { td { (strategy.line) } td { (strategy.under) } }
                @for cell in row.iter().skip(2) { td data-value=[cell.value] { (text(cell)) } }
            }
        }
    }
}

fn text(text: &Text) -> Markup {
    markup! {
        (text.line)
        @for mark in &text.marks { a.mark href={ "#remark-" (mark) } { (mark) } }
        @if !text.under.is_empty() { br; span.under { (text.under) } }
    }
}

/// What each figure is.
pub(super) fn definitions(document: &Document) -> Markup {
    markup! {
        section #definitions aria-labelledby="definitions-title" {
            h2 #definitions-title { "Definitions" }
            p { "Every figure is computed from the records under the method " strong { (document.method) } "." }
            div.scroll tabindex="0" role="region" aria-label="Definitions" {
                table.sortable {
                    thead { tr { @for head in ["figure", "unit", "better", "definition", "source"] { th scope="col" { (head) } } } }
                    tbody { @for one in &document.definitions { tr {
                        th scope="row" { (one.name) }
                        td { (one.unit) }
                        td { (match one.better { Better::Higher => "higher", Better::Lower => "lower" }) }
                        td.prose { (one.definition) }
                        td.prose { (one.source) }
                    } } }
                }
            }
        }
    }
}
