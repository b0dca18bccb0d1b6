//! The five tables of the paper (Mohammad et al., ACL 2026 Industry, arXiv 2604.19342), recomputed from the authors' logs and set beside
//! what was printed; what else those logs show; and the same five tables out of a run folder of ours.
//!
//! Which aggregation made a printed column is not assumed: every column lists the ways in which it could have been made, and the one that
//! reproduces most of its cells is named ([`ways`](crate::document::Way)). Formulas are `metric`'s. No figure of a finding is written
//! down here: all are computed from the logs; what the authors' code says is kept apart in `code.rs`, with the file that says it.

mod aggregate;
mod audit;
mod code;
mod csv;
mod document;
mod error;
mod logs;
mod published;
mod qlora;
mod render;
mod rows;
mod run;
mod tables;

pub use document::{Cell, Column, Document, Finding, Group, Interval, Number, Of, Pair, SCHEMA, Unexplained, Way};
pub use error::{Error, Result};
pub use logs::{
    Compression, FILES, Family, Logs, Model, Operation, Quality, SHIPPED_SOURCE, Score, Serving, Task, Tier, Training, Variant,
};
pub use render::{Format, parts, render};
pub use rows::projection_rows;
pub use run::{of_campaign, of_run};

/// The paper's tables and what else its logs show, out of these logs.
///
/// # Errors
/// The tables as printed, which the program carries, are damaged.
pub fn of_logs(logs: &Logs, source: &str) -> Result<Document> {
    let tables = tables::all(logs)?;
    let findings = audit::all(logs, &tables);
    Ok(document::of_paper(source, tables, findings, qlora::of_logs(logs)))
}
