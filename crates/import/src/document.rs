//! What an import says, as data: for JSON and for tables. Every observed value names its unit and its place in the file.

use serde::Serialize;
use stats::Estimate;
use units::{Missing, Reading};

/// The version of [`Document`].
pub const SCHEMA: &str = "edge-eval/import/1";

/// Everything that was read and computed.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The serving measurements, in the files' order.
    pub measurements: Vec<Measurement>,
    /// The scores, in the files' order.
    pub scores: Vec<ScoreRow>,
}

/// One measurement, or several repeated ones: what was observed and what follows.
#[derive(Clone, Debug, Serialize)]
pub struct Measurement {
    /// In the file's words.
    pub label: String,
    /// The file, or files.
    pub files: Vec<String>,
    /// The format's name.
    pub format: &'static str,
    /// What stands in the file or was given.
    pub observed: Vec<Observed>,
    /// What follows from it.
    pub figures: Vec<Figure>,
    /// What must be said with all of it.
    pub notes: Vec<String>,
}

/// A value as it stands in a file or was given.
#[derive(Clone, Debug, Serialize)]
pub struct Observed {
    /// What it is.
    pub name: String,
    /// Its unit; empty for none.
    pub unit: &'static str,
    /// The value, or why there is none.
    #[serde(flatten)]
    pub value: Reading<f64>,
    /// The file, `given`, or `stated by the tool`.
    pub from: String,
}

/// A figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// The metric's name.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Its definition.
    pub definition: &'static str,
    /// The estimate, or why there is none.
    #[serde(flatten)]
    pub estimate: Answer,
    /// What must be said with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A figure's estimate or reason.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// Value, interval, n and method.
    Known(Estimate),
    /// Why there is none.
    Missing {
        /// The reason.
        missing: Missing,
    },
}

/// A score of a file.
#[derive(Clone, Debug, Serialize)]
pub struct ScoreRow {
    /// The file.
    pub file: String,
    /// What was scored.
    pub label: String,
    /// The task.
    pub task: String,
    /// Mark and filter.
    pub mark: String,
    /// Mean over the items.
    pub value: f64,
    /// Its standard error.
    pub stderr: Reading<f64>,
    /// Number of items.
    pub n: Reading<u64>,
    /// Whether the file has the items' marks, which a paired comparison needs.
    pub items: bool,
}
