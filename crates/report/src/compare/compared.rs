//! What a comparison says, apart from how it is printed: the one object of `--json`. It is computed elsewhere.

use record::Machine;
use serde::Serialize;
use stats::ChangeMethod;

use super::{GateResult, SetupDifference, shown};
use crate::document::{Definition, Figure};

/// Runs beside the first of them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// [`super::COMPARE_SCHEMA`].
    pub schema: String,
    /// The named method under which the figures were computed.
    pub method: String,
    /// The runs; the first is the baseline.
    pub runs: Vec<ComparedRun>,
    /// What makes the others unlike the baseline.
    pub setup_differences: Vec<SetupDifference>,
    /// Chance of any false claim among all differences.
    pub level: f64,
    /// How p-values are corrected: `holm`.
    pub correction: String,
    /// How many hypotheses were tested.
    pub family: usize,
    /// What the figures mean.
    pub definitions: Vec<Definition>,
    /// One entry a cell, its level of concurrency and run beside the baseline.
    pub cells: Vec<CellComparison>,
    /// Cells that only one of the runs has, or that have several counterparts.
    pub unmatched: Vec<String>,
    /// What became of the gates.
    pub gates: Vec<GateResult>,
}

/// One of the runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedRun {
    /// `A` is the baseline.
    pub letter: char,
    /// Its folder.
    pub path: String,
    /// The plan's name.
    pub run: String,
    /// Wall time of its start, nanoseconds since 1970 UTC.
    pub started_wall_ns: u64,
    /// Where it ran.
    pub machine: Machine,
}

/// A cell of a run beside its counterpart in the baseline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CellComparison {
    /// Which run.
    pub run: char,
    /// Model family.
    pub family: String,
    /// Model tier.
    pub tier: String,
    /// Task.
    pub task: String,
    /// Strategy.
    pub strategy: String,
    /// Engine.
    pub engine: String,
    /// The counterpart's name, where it is another.
    pub counterpart: Option<String>,
    /// Streams kept open.
    pub concurrency: u32,
    /// The figures, in the order asked for.
    pub figures: Vec<FigureComparison>,
}

/// A figure beside the baseline's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FigureComparison {
    /// Its name.
    pub metric: String,
    /// In the baseline.
    pub baseline: Figure,
    /// In the run.
    pub new: Figure,
    /// Run less baseline.
    pub difference: Option<ShownChange>,
    /// Run over baseline, less 1, in percent.
    pub relative_percent: Option<ShownChange>,
    /// Two-sided p-value of no difference, by itself.
    pub p: Option<f64>,
    /// The same after Holm's correction over the family.
    pub p_holm: Option<f64>,
    /// What can be said.
    pub verdict: Verdict,
    /// Why nothing was tested.
    pub untested: Option<String>,
    /// What must be said with it.
    pub notes: Vec<String>,
}

/// A change with its interval.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShownChange {
    /// The point value.
    pub value: f64,
    /// Its 95% interval, of this figure alone; `null` where there is none.
    pub ci95: Option<(f64, f64)>,
    /// How the interval was made.
    pub method: Option<ChangeMethod>,
}

/// What can be said of two figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The run is better than the baseline.
    Better,
    /// The run is worse.
    Worse,
    /// No difference can be told.
    NoDetectableDifference,
    /// There is nothing to test.
    Untested,
}

impl Verdict {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::NoDetectableDifference => "no detectable difference",
            Self::Untested => "not tested",
        }
    }
}

impl Comparison {
    /// The comparison as tables for a terminal.
    pub fn terminal(&self) -> String {
        shown::terminal(self)
    }

    /// The comparison in Markdown, everything from elsewhere escaped.
    pub fn markdown(&self) -> String {
        shown::markdown(self)
    }
}

impl CellComparison {
    /// `LLaMA 1B · rag · lora-int4 · vllm`, with the level of concurrency where it is not 1.
    pub fn label(&self) -> String {
        let level = if self.concurrency == 1 { String::new() } else { format!(" · {} streams", self.concurrency) };
        format!("{} {} · {} · {} · {}{level}", self.family, self.tier, self.task, self.strategy, self.engine)
    }
}
