//! The run's table of contents: the plan as meant, the machine, and which stage records each cell stands on.

use std::path::PathBuf;

use plan::{Cell, Plan};
use serde::{Deserialize, Serialize};

use crate::Machine;

/// `run.json`: written when the run folder is made, and again (atomically) when cells gain records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`crate::SCHEMA`].
    pub schema: String,
    /// Wall time of the run's start, nanoseconds since 1970 UTC; the only wall time in the folder.
    pub started_wall_ns: u64,
    /// Where it ran.
    pub machine: Machine,
    /// The plan as meant, everything resolved.
    pub plan: Plan,
    /// Every cell with the keys of its stages.
    pub cells: Vec<CellEntry>,
    /// What was read for each task, in the plan's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<DataFacts>,
}

/// What was read for a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFacts {
    /// The task's name.
    pub task: String,
    /// The files that rows were read of, with what they held when they were read.
    pub files: Vec<DataFile>,
    /// Rows to adapt on; 0 where nothing is adapted.
    pub train_rows: usize,
    /// Rows to score on.
    pub eval_rows: usize,
    /// Rows left out because they are not what the task's rows are, each with its place and what is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bad: Vec<String>,
    /// Rows left out because one before has their id.
    pub repeated: usize,
    /// Training rows left out because they are held out too, by id or by text.
    pub held_out_too: usize,
    /// Scored rows whose document was trained on under another question: not the same row, but no unseen passage.
    pub documents_trained_on: usize,
    /// Scored rows whose prompt was cut to the plan's `max_prompt_tokens`.
    pub cut: usize,
}

/// A file of rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Where it was.
    pub path: PathBuf,
    /// Digest of its bytes.
    pub digest: String,
    /// The commit of the hub's data set it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// One cell and the keys of the stage records that belong to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellEntry {
    /// What the cell is.
    pub cell: Cell,
    /// The adaptation, shared between strategies; `None` for a strategy without one.
    pub adapt: Option<String>,
    /// The merge, shared likewise.
    pub merge: Option<String>,
    /// The quantisation.
    pub quantise: Option<String>,
    /// The serving runs, one key a run, in run order.
    pub serve: Vec<String>,
    /// The first scored pass.
    pub quality: Option<String>,
    /// The further ones, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passes: Vec<String>,
    /// The ratings of answers of any of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rate: Vec<String>,
    /// The likelihood of the reference answers, shared between engines that read the same weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perplexity: Option<String>,
}
