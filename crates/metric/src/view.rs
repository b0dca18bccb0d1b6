//! The records as the metrics see them: plain data, every stage either there, or not planned, or not run yet, or failed.
//!
//! This crate reads no files: whoever holds the run folder hands in its records.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use plan::{Cell, Plan, Precision, Strategy, TaskSpec};
use record::{CellEntry, Detail, Manifest, Outcome, Request, StageRecord};
use units::{Missing, Reading};

/// Everything one campaign has recorded.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// The plan as meant.
    pub plan: Plan,
    /// Its cells, in the manifest's order.
    pub cells: Vec<CellRecords>,
}

/// What one cell stands on.
#[derive(Clone, Debug)]
pub struct CellRecords {
    /// What the cell is.
    pub cell: Cell,
    /// The adaptation.
    pub adapt: Stage,
    /// The merge.
    pub merge: Stage,
    /// The quantisation.
    pub quantise: Stage,
    /// The serving runs, in run order.
    pub serve: Vec<ServingRun>,
    /// The first scored pass.
    pub quality: Stage,
    /// Further scored passes, in order.
    pub passes: Vec<Stage>,
    /// Ratings of the answers of the passes.
    pub rate: Vec<Stage>,
    /// The likelihood of the reference answers.
    pub perplexity: Stage,
}

/// A stage of a cell.
#[derive(Clone, Debug)]
pub enum Stage {
    /// The cell has none: its strategy needs none, or its weights cannot be scored.
    NotPlanned,
    /// It has one that has left no record yet.
    NotRun,
    /// It ended, well or badly.
    Recorded(Arc<StageRecord>),
    /// It ended well, and the part of it that is asked for is not there: a level of concurrency without a window.
    Lacking(Missing),
}

/// One serving run and the requests of its speed windows.
#[derive(Clone, Debug)]
pub struct ServingRun {
    /// Its record.
    pub stage: Stage,
    /// The requests at its own level of concurrency; empty where there is no record.
    pub requests: Vec<Request>,
    /// Those of its further levels that have a window, by level.
    pub levels: BTreeMap<u32, Vec<Request>>,
}

impl Stage {
    /// The record of a stage that ended well.
    ///
    /// # Errors
    /// It is not planned, has not run, or failed; `what` names it in the reason.
    pub fn done(&self, what: &str) -> Result<&StageRecord, Missing> {
        match self {
            Self::NotPlanned => Err(Missing::because(format!("no {what} is planned for this cell"))),
            Self::NotRun => Err(Missing::because(format!("the {what} has not run yet"))),
            Self::Lacking(why) => Err(why.clone()),
            Self::Recorded(record) => match &record.outcome {
                Outcome::Done => Ok(record),
                Outcome::Failed { reason, .. } => Err(Missing::because(format!("the {what} failed: {reason}"))),
            },
        }
    }
}

impl Campaign {
    /// Joins a manifest with its records. `record` is asked once for each key and answers `None` for a stage that has not run;
    /// `requests` is asked for each file of requests that the record of a serving run that ended well names.
    ///
    /// # Errors
    /// Whatever the two callbacks report.
    pub fn join<E>(
        manifest: &Manifest,
        mut record: impl FnMut(&str) -> Result<Option<StageRecord>, E>,
        mut requests: impl FnMut(&str) -> Result<Vec<Request>, E>,
    ) -> Result<Self, E> {
        let mut known: HashMap<String, Stage> = HashMap::new();
        let mut stage = |key: Option<&String>| -> Result<Stage, E> {
            let Some(key) = key else { return Ok(Stage::NotPlanned) };
            if let Some(stage) = known.get(key) {
                return Ok(stage.clone());
            }
            let stage = record(key)?.map_or(Stage::NotRun, |record| Stage::Recorded(Arc::new(record)));
            known.insert(key.clone(), stage.clone());
            Ok(stage)
        };
        let mut cells = Vec::with_capacity(manifest.cells.len());
        for CellEntry { cell, adapt, merge, quantise, serve, quality, passes, rate, perplexity } in &manifest.cells {
            let mut runs = Vec::with_capacity(serve.len());
            for key in serve {
                runs.push(ServingRun::read(stage(Some(key))?, &mut requests)?);
            }
            let (adapt, merge, quantise) = (stage(adapt.as_ref())?, stage(merge.as_ref())?, stage(quantise.as_ref())?);
            let quality = stage(quality.as_ref())?;
            let passes = passes.iter().map(|key| stage(Some(key))).collect::<Result<_, E>>()?;
            let rate = rate.iter().map(|key| stage(Some(key))).collect::<Result<_, E>>()?;
            let perplexity = stage(perplexity.as_ref())?;
            cells.push(CellRecords { cell: cell.clone(), adapt, merge, quantise, serve: runs, quality, passes, rate, perplexity });
        }
        Ok(Self { plan: manifest.plan.clone(), cells })
    }

    /// The cells, each with the campaign around it.
    pub fn views(&self) -> impl Iterator<Item = CellView<'_>> {
        self.cells.iter().map(|records| CellView { campaign: self, records })
    }
}

impl ServingRun {
    /// A run with the requests that its record names, if it ended well.
    fn read<E>(stage: Stage, requests: &mut impl FnMut(&str) -> Result<Vec<Request>, E>) -> Result<Self, E> {
        let (mut own, mut levels) = (Vec::new(), BTreeMap::new());
        if let Ok(StageRecord { detail: Detail::Serve(facts), .. }) = stage.done("serving run") {
            own = requests(&facts.requests_file)?;
            for level in &facts.levels {
                if let Reading::Known(window) = &level.seen {
                    levels.insert(level.concurrency, requests(&window.requests_file)?);
                }
            }
        }
        Ok(Self { stage, requests: own, levels })
    }
}

/// One cell within its campaign: what every metric is computed from.
#[derive(Clone, Copy, Debug)]
pub struct CellView<'a> {
    /// The campaign around it.
    pub campaign: &'a Campaign,
    /// The cell's own records.
    pub records: &'a CellRecords,
}

impl<'a> CellView<'a> {
    /// What the cell is.
    pub fn cell(&self) -> &'a Cell {
        &self.records.cell
    }

    /// The plan.
    pub fn plan(&self) -> &'a Plan {
        &self.campaign.plan
    }

    /// The plan's entry for the cell's task.
    ///
    /// # Errors
    /// The plan has no such task: the records are not of this plan.
    pub fn task(&self) -> Result<&'a TaskSpec, Missing> {
        let name = &self.cell().task;
        let task = self.campaign.plan.tasks.iter().find(|task| task.name == *name);
        task.ok_or_else(|| Missing::because(format!("the plan has no task `{name}`")))
    }

    /// The cell of the same model, task and engine under another strategy.
    ///
    /// # Errors
    /// The plan has no such cell.
    pub fn sibling(&self, strategy: Strategy) -> Result<CellView<'a>, Missing> {
        let wanted = Cell { strategy, ..self.cell().clone() };
        let records = self.campaign.cells.iter().find(|records| records.cell == wanted);
        let records = records.ok_or_else(|| Missing::because(format!("the plan has no `{}` cell to compare with", strategy.name())))?;
        Ok(CellView { campaign: self.campaign, records })
    }

    /// Whether the weights that are served have been quantised.
    pub fn is_quantised(&self) -> bool {
        self.cell().strategy.precision() != Precision::Fp16
    }
}
