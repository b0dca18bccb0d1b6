//! The run's table of contents: the plan as meant, the machine, and which stage records each cell stands on.

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
}
