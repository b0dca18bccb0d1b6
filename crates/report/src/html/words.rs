//! How numbers and names are put on the page.

use econ::Range;
use maud::{Markup, html as markup};
use stats::Estimate;

use crate::{
    document::{CellFigures, Document, Figure},
    number,
};

/// The unit of a score: where it stands, the figure's name says it.
const SHARE: &str = "0..1";

/// A figure with unit, interval and n; a dash with the reason where it is missing.
pub(super) fn figure(figure: &Figure) -> Markup {
    match figure.value {
        Some(value) => valued(value, figure.ci95, &figure.unit, figure.n),
        None => missing(figure.missing.as_deref().unwrap_or("no reason was given")),
    }
}

/// A value with its interval, n and unit.
pub(super) fn valued(value: f64, ci95: Option<(f64, f64)>, unit: &str, n: Option<usize>) -> Markup {
    let text = number::text(value, ci95, unit);
    markup! {
        span.value { (text.value) }
        @if !unit.is_empty() && unit != SHARE { " " span.unit { (number::shown_unit(unit)) } }
        @if let Some(interval) = text.interval { " " span.interval { (interval) } }
        @if let Some(n) = n { " " span.n { "n=" (n) } }
    }
}

/// The same of an estimate.
pub(super) fn estimate(estimate: &Estimate, unit: &str) -> Markup {
    valued(estimate.value, estimate.ci95, unit, Some(estimate.n))
}

/// A value between its ends.
pub(super) fn range(range: &Range, unit: &str) -> Markup {
    let ends = (range.low() < range.high()).then(|| (range.low(), range.high()));
    valued(range.value(), ends, unit, None)
}

/// A dash and why.
pub(super) fn missing(why: &str) -> Markup {
    let word = if why.starts_with("never") { "never" } else { "–" };
    markup! { span.missing { (word) } " " span.reason { (why) } }
}

/// `LLaMA 1B · lora-int4 · embedded`.
pub(super) fn variant(cell: &plan::Cell) -> String {
    format!("{} {} · {} · {}", cell.family, cell.tier, cell.strategy.name(), cell.engine)
}

/// A variant's figures.
pub(super) fn figures<'a>(document: &'a Document, cell: &plan::Cell) -> Option<&'a CellFigures> {
    document.cells.iter().find(|known| {
        (known.family.as_str(), known.tier.as_str(), known.task.as_str(), known.engine.as_str(), known.strategy.as_str())
            == (&cell.family, &cell.tier, &cell.task, &cell.engine, cell.strategy.name())
    })
}

/// A number of things: `1 cell`, `3 cells`.
pub(super) fn count(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

/// A number of requests, whole: `12,345 requests`.
pub(super) fn requests(n: f64) -> String {
    let n = n.ceil();
    let text = if n < 1000.0 { format!("{n:.0}") } else { number::text(n, None, "").value };
    format!("{text} {}", if n <= 1.0 { "request" } else { "requests" })
}
