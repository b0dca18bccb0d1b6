//! The campaign itself: every stage of the plan in an order that its inputs allow, reused where its record is there, run and
//! recorded where it is not. A stage that fails costs the cells that stand on it, and nothing else.

use std::path::Path;

use plan::{Stage, StageGraph, StageKind};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use record::{CellEntry, DataFacts, Lock, Machine, Manifest, Outcome, RunFolder, SCHEMA, StageRecord, Verdict, clock};

use crate::{
    bind::{Bound, Places},
    client,
    error::{Error, Result},
    observer::{Event, Observer},
    stages::{self, Context},
};

/// How a campaign ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Stages whose records were there.
    pub reused: usize,
    /// Stages that were run and ended well.
    pub done: usize,
    /// Stages that were run and failed.
    pub failed: usize,
    /// Stages that could not be run because one before them failed.
    pub skipped: usize,
    /// Stages, reused or run, with an energy window that cannot be believed although a meter was there.
    pub invalid: usize,
}

/// Carries a bound plan out in `folder`: resumes what was begun there.
///
/// Must be called from a thread that outlives the campaign, because the stages die with the thread that spawned them.
///
/// # Errors
/// The run folder cannot be used or written, or was begun on another machine. A failed stage is no error.
pub fn run(bound: &Bound, places: &Places, folder: &Path, version: &str, observer: &dyn Observer) -> Result<Summary> {
    let _lock = Lock::take(folder)?;
    let folder = open(bound, folder, version)?;
    folder.remove_leftovers()?;
    let finished = folder.finished_keys()?;
    let already = bound.keys.iter().filter(|key| finished.contains(*key)).count();
    observer.on(Event::Planned { stages: bound.keys.len(), finished: already });
    warn(bound, observer);
    if already < bound.keys.len() {
        client::prove(&folder, places.certificate.as_deref(), bound.plan.load.most_concurrent(), version, observer)?;
    }
    let mut campaign = Campaign {
        context: Context::new(bound, places, &folder, observer),
        failed: vec![None; bound.keys.len()],
        summary: Summary::default(),
    };
    for stage in order(&bound.graph, bound.plan.seed) {
        campaign.stage(stage)?;
    }
    Ok(campaign.summary)
}

/// Things a reader of the results must know before anything runs.
fn warn(bound: &Bound, observer: &dyn Observer) {
    for (spec, model) in bound.plan.models.iter().zip(&bound.models) {
        if model.random {
            let text = format!("{} has random weights: speed, energy and memory are measured, quality is missing", spec.label());
            observer.on(Event::Warning { text: &text });
        }
    }
    for task in &bound.tasks {
        for text in task.warnings() {
            observer.on(Event::Warning { text: &text });
        }
    }
    if bound.plan.runs < 2 {
        observer.on(Event::Warning { text: "with one run of each cell no figure has an interval" });
    }
}

/// The run folder, made or gone on with.
fn open(bound: &Bound, root: &Path, version: &str) -> Result<RunFolder> {
    let machine = Machine::fingerprint(version);
    let cells = cells(&bound.graph, &bound.keys);
    let data: Vec<DataFacts> = bound.tasks.iter().map(|task| task.facts.clone()).collect();
    if !RunFolder::is_run(root) {
        let manifest =
            Manifest { schema: SCHEMA.to_owned(), started_wall_ns: clock::wall().0, machine, plan: bound.plan.clone(), cells, data };
        return Ok(RunFolder::create(root, &manifest)?);
    }
    let folder = RunFolder::open(root)?;
    let mut manifest = folder.manifest()?;
    if manifest.machine.digest != machine.digest {
        return Err(Error::OtherMachine { path: root.to_owned(), theirs: manifest.machine.digest, ours: machine.digest });
    }
    if manifest.plan != bound.plan || manifest.cells != cells || manifest.data != data {
        manifest.plan = bound.plan.clone();
        (manifest.cells, manifest.data) = (cells, data);
        folder.write_manifest(&manifest)?;
    }
    Ok(folder)
}

fn cells(graph: &StageGraph, keys: &[String]) -> Vec<CellEntry> {
    let key = |stage: usize| keys[stage].clone();
    graph
        .cells
        .iter()
        .zip(&graph.of_cell)
        .map(|(cell, stages)| CellEntry {
            cell: cell.clone(),
            adapt: stages.adapt.map(key),
            merge: stages.merge.map(key),
            quantise: stages.quantise.map(key),
            serve: stages.serve.iter().copied().map(key).collect(),
            quality: stages.quality.first().copied().map(key),
            passes: stages.quality.iter().skip(1).copied().map(key).collect(),
            rate: stages.rate.iter().copied().map(key).collect(),
            perplexity: stages.perplexity.map(key),
        })
        .collect()
}

/// Adaptation and compression in the plan's order; then serving and scoring in an order drawn from the seed, so that a drift of the
/// machine falls on all cells alike; then the ratings of what was answered, and what is read of the weights alone.
fn order(graph: &StageGraph, seed: u64) -> Vec<usize> {
    let rates = |stage: &Stage| matches!(stage.kind, StageKind::Judge | StageKind::Nli | StageKind::Perplexity);
    let prepares = |stage: &Stage| matches!(stage.kind, StageKind::Adapt | StageKind::Merge | StageKind::Quantise);
    let (mut order, served): (Vec<usize>, Vec<usize>) = (0..graph.stages.len()).partition(|&index| prepares(&graph.stages[index]));
    let (rated, mut served): (Vec<usize>, Vec<usize>) = served.into_iter().partition(|&index| rates(&graph.stages[index]));
    served.shuffle(&mut ChaCha8Rng::seed_from_u64(plan::seed::derive(seed, &["order"])));
    order.append(&mut served);
    order.extend(rated);
    order
}

/// A campaign under way.
struct Campaign<'a> {
    context: Context<'a>,
    /// Why a stage has no result, by stage.
    failed: Vec<Option<String>>,
    summary: Summary,
}

impl Campaign<'_> {
    fn stage(&mut self, index: usize) -> Result<()> {
        let Context { bound, folder, observer, .. } = self.context;
        let stage = &bound.graph.stages[index];
        let (kind, key) = (stage.kind, &bound.keys[index]);
        let label = bound.plan.stage_label(stage);
        if let Some(record) = folder.finished(kind, key)? {
            self.summary.reused += 1;
            self.judge(&record);
            observer.on(Event::Reused { kind, label: &label });
            return Ok(());
        }
        if let Some(reason) = self.why_not(stage) {
            // Answers of random weights mean nothing by the plan's own choice: that is no failure.
            self.summary.skipped += usize::from(!self.is_meaningless(stage));
            observer.on(Event::Skipped { kind, label: &label, reason: &reason });
            self.failed[index] = Some(reason);
            return Ok(());
        }
        observer.on(Event::Started { kind, label: &label });
        let record = match stages::run(&mut self.context, index, &label) {
            Ok(record) => record,
            // The stage could not even begin: its cells are lost, the others are not.
            Err(error @ (Error::Weights { .. } | Error::Spawn { .. } | Error::Serve(_))) => {
                let reason = format!("{} could not begin: {error}", kind.name());
                self.summary.failed += 1;
                observer.on(Event::Skipped { kind, label: &label, reason: &reason });
                self.failed[index] = Some(reason);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        folder.put(&record)?;
        match &record.outcome {
            Outcome::Done => self.summary.done += 1,
            Outcome::Failed { reason, .. } => {
                self.summary.failed += 1;
                self.failed[index] = Some(format!("{} failed: {reason}", kind.name()));
            }
        }
        self.judge(&record);
        observer.on(Event::Ended { record: &record });
        Ok(())
    }

    /// Why a stage cannot be run.
    fn why_not(&self, stage: &Stage) -> Option<String> {
        let mut before = [stage.upstream, stage.against].into_iter().flatten();
        if let Some(reason) = before.find_map(|index| self.failed[index].clone()) {
            return Some(reason);
        }
        self.is_meaningless(stage).then(|| "random weights: answers have no meaning".to_owned())
    }

    fn is_meaningless(&self, stage: &Stage) -> bool {
        self.context.bound.models[stage.model].random
            && !matches!(stage.kind, StageKind::Adapt | StageKind::Merge | StageKind::Quantise | StageKind::Serve)
    }

    fn judge(&mut self, record: &StageRecord) {
        let believed = |verdict: &Verdict| match verdict {
            Verdict::Valid => true,
            // No instrument contradicts itself: the stage was too short for the meter, or there is none. The figure is missing and
            // says why.
            Verdict::Invalid { code, .. } => matches!(code.as_str(), "no_meter" | "window_too_short" | "cpu_time_too_coarse"),
        };
        if !record.energy.iter().all(|window| believed(&window.verdict)) {
            self.summary.invalid += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> StageGraph {
        let known = plan::Known {
            tasks: vec!["summarization", "rag", "chat"],
            engines: vec!["embedded"],
            meters: vec!["modelled"],
            marks: vec!["f1", "rouge_l", "exact_match"],
        };
        plan::parse(plan::quickstart(), Path::new("."), &known).unwrap().stages()
    }

    #[test]
    fn a_stage_comes_after_the_one_it_reads_from() {
        let graph = graph();
        let order = order(&graph, 7);
        let place = |index: usize| order.iter().position(|&other| other == index).unwrap();
        for (index, stage) in graph.stages.iter().enumerate() {
            if let Some(upstream) = stage.upstream {
                assert!(place(upstream) < place(index));
            }
        }
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..graph.stages.len()).collect::<Vec<_>>());
    }

    #[test]
    fn the_order_of_serving_is_drawn_from_the_seed() {
        let graph = graph();
        assert_eq!(order(&graph, 7), order(&graph, 7));
        assert_ne!(order(&graph, 7), order(&graph, 8));
    }
}
