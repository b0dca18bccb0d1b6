//! The report as one page: a single file that asks nothing of the network, opens from disk and prints.
//!
//! The answer, warnings and tables are plain HTML and are there without scripts. Charts, what-if and the drill-down are drawn by the
//! page's scripts (`html/*.js`, plain and unbuilt) from JSON in the page; charts by plotly.js, whose script the page carries. Figures are
//! `metric`'s; nothing is computed here but what is drawn of them. A policy in the page's head forbids every connection.

mod answer;
mod cells;
mod chart;
mod charts;
mod embed;
mod instruments;
mod paper;
mod power;
mod tables;
mod warnings;
mod whatif;
mod words;

use econ::Date;
use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

pub use paper::Section;

use crate::{
    gather::{Result, Run},
    terminal,
};

const STYLE: &str = include_str!("html/page.css");
const PLOTLY: &str = include_str!("html/vendor/plotly-basic.min.js");
const PLOTLY_LICENSE: &str = include_str!("html/vendor/plotly.LICENSE");

/// The page's own scripts, in the order in which they stand in it.
const SCRIPTS: &[&str] = &[
    include_str!("html/tables.js"),
    include_str!("html/charts.js"),
    include_str!("html/whatif.js"),
    include_str!("html/whatif-view.js"),
    include_str!("html/cells.js"),
];

/// Nothing is fetched from anywhere, whatever stands in the page; images and files that it makes itself are allowed.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:";

/// The parts of the page, as its table of contents has them.
const PARTS: &[(&str, &str)] = &[
    ("answer", "Answer"),
    ("warnings", "Warnings"),
    ("what-if", "What if"),
    ("charts", "Charts"),
    ("figures", "Figures"),
    ("paper", "The paper's tables"),
    ("cells", "Cells"),
    ("instruments", "Machine and instruments"),
    ("definitions", "Definitions"),
];

/// The page of a run; `paper` is what else it shall show, such as the paper's tables made of this run.
///
/// # Errors
/// A file of the run folder that is read for the page alone is damaged.
pub fn html(run: &Run, paper: &[Section]) -> Result<String> {
    let document = run.document();
    let title = format!("{}: edge-eval report", document.run);
    let (what_if, charts, cells) = (whatif::section(run)?, charts::section(run)?, cells::section(run)?);
    let parts = PARTS.iter().filter(|(id, _)| *id != "paper" || !paper.is_empty());
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#answer" { "To the answer" }
                header {
                    h1 { "Is this model worth running yourself?" }
                    p.run { (headline(run)) }
                    nav aria-label="Parts of this report" {
                        @for (id, name) in parts { a href={ "#" (id) } { (name) } }
                    }
                    noscript { p { "Scripts are off: charts, what-if and the drill-down are not drawn. Answer, warnings and tables are complete." } }
                }
                main {
                    (answer::section(run))
                    (warnings::section(run))
                    (what_if)
                    (charts)
                    (tables::section(document))
                    (paper::section(paper))
                    (cells)
                    (instruments::section(run))
                    (tables::definitions(document))
                }
                footer { (footer()) }
                (script(PLOTLY))
                @for text in SCRIPTS { (script(text)) }
            }
        }
    };
    Ok(page.into_string())
}

/// What was run, when and where.
fn headline(run: &Run) -> Markup {
    let document = run.document();
    let day = Date::of_unix(document.started_wall_ns / 1_000_000_000);
    markup! { strong { (document.run) } " · started " time datetime=(day) { (day) } " (UTC) · " (terminal::place(document)) }
}

fn footer() -> Markup {
    markup! {
        p {
            "Made by edge-eval " (env!("CARGO_PKG_VERSION")) " from the records of the run; the same records give the same page. This file holds all it "
            "needs and fetches nothing."
        }
        details {
            summary { "Charts are drawn by plotly.js (MIT)" }
            pre { (PLOTLY_LICENSE) }
        }
    }
}

/// A script of ours or of the charts' library; none of them holds what would end it.
fn script(text: &str) -> Markup {
    debug_assert!(!text.contains("</script"), "a script must not end itself");
    markup! { script { (PreEscaped(text)) } }
}
