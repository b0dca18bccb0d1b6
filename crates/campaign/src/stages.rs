//! How each kind of stage is run and observed. What is common to all stands here; what is particular in one file each.

mod adapt;
mod command;
mod compress;
mod outcome;
mod perplexity;
mod quality;
mod rating;
mod rows;
mod serve;
mod serving;
mod weights;

use std::{collections::BTreeSet, ffi::OsString, path::PathBuf, time::Duration};

use meter::{Basis, Idle, Metering, ProcessGroup, Sampler, Trace};
use plan::{Gives, Plan, QuantisedAs, Stage, StageKind};
use record::{Artifact, Detail, EnergyWindow, MemoryPeak, Phase, RunFolder, SCHEMA, StageRecord, clock};
use units::{Nanos, Seconds};

use crate::{
    bind::{Bound, Places},
    error::{Error, Result},
    guard::Guard,
    observer::{Event, Observer},
    process::{CommandLine, Ended, StageProcess},
};

/// What every stage needs.
pub(crate) struct Context<'a> {
    pub(crate) bound: &'a Bound,
    pub(crate) places: &'a Places,
    pub(crate) folder: &'a RunFolder,
    pub(crate) observer: &'a dyn Observer,
    /// How many stages were run before.
    order: u32,
    /// Tasks whose answers were put before the judge.
    judged: BTreeSet<usize>,
}

/// Where a stage's program may do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Runs {
    /// On the processor alone, as the embedded engine and trainer do.
    OnProcessor,
    /// On a GPU too: a program of others.
    Anywhere,
}

/// What a stage left to record beside its process.
struct Seen {
    ended: Ended,
    energy: Vec<EnergyWindow>,
    memory: MemoryPeak,
    /// What went wrong outside the process, which then was stopped by us.
    fault: Option<Error>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(bound: &'a Bound, places: &'a Places, folder: &'a RunFolder, observer: &'a dyn Observer) -> Self {
        Self { bound, places, folder, observer, order: 0, judged: BTreeSet::new() }
    }

    /// The plan's meter, running, and idle power measured where the meter can see it. A program that may run on a GPU is metered by it where
    /// the machine has one; a window of one that did not hold it says so.
    fn metered(&self, runs: Runs) -> Result<Metered> {
        let spec = &self.bound.plan.meter;
        let places = meter::Places::system();
        let metering = match (runs, meter::open(spec, &places, runs == Runs::Anywhere)?) {
            (Runs::Anywhere, Metering::Absent(_)) => meter::open(spec, &places, false)?,
            (_, metering) => metering,
        };
        let basis = if let Metering::By(meter) = &metering { Some(meter.basis()) } else { None };
        // The modelled meter counts the stage's own CPU time: it knows no idle power, and waiting would show none.
        let is_sensor = basis.is_some_and(Basis::is_sensor);
        let sampler = Sampler::start(metering, &places, Duration::from_millis(u64::from(spec.interval_ms)))?;
        let begun = clock::now();
        if is_sensor {
            std::thread::sleep(Duration::from_secs_f64(spec.idle_s));
            sampler.mark();
        }
        Ok(Metered { sampler, idle: (begun, clock::now()), idle_s: spec.idle_s, is_sensor, on_gpu: basis == Some(Basis::Gpus) })
    }

    /// Arguments that make a stage of ours tell its marks and end with us.
    fn stage_args() -> [OsString; 3] {
        ["--json".into(), "--die-with".into(), std::process::id().to_string().into()]
    }

    /// A command line of this program.
    fn own(&self, args: impl IntoIterator<Item = OsString>) -> CommandLine {
        CommandLine {
            program: self.places.program.clone(),
            args: args.into_iter().chain(Self::stage_args()).collect(),
            environment: Vec::new(),
        }
    }

    /// Runs a stage that works and ends by itself, and meters all of it. One that is not ours is guarded, because it cannot be told to end
    /// with us.
    fn work(&self, key: &str, command: &CommandLine, runs: Runs) -> Result<Seen> {
        let guarding = |source| Error::Spawn { program: self.places.program.clone(), source };
        let mut guard = if runs == Runs::Anywhere { Some(Guard::start(&self.places.program).map_err(guarding)?) } else { None };
        let metered = self.metered(runs)?;
        let process = StageProcess::spawn(command, &self.folder.log(key)?)?;
        if let Some(guard) = &mut guard {
            guard.watch(process.group()).map_err(guarding)?;
        }
        metered.sampler.watch_since(ProcessGroup { pgid: process.group() }, process.spawned());
        let ended = process.wait(|phase| self.observer.on(Event::Marked { phase }))?;
        let (trace, idle) = metered.stop(ended.cpu);
        let energy = vec![trace.window("stage", ended.span.0, ended.span.1, &idle)];
        Ok(Seen { memory: trace.memory(), energy, ended, fault: None })
    }

    /// The training rows of a task in a file that a program reads, in a folder that goes when it is dropped: their digest is part of the key,
    /// and they can be written again from the plan.
    fn corpus(&self, task: usize) -> Result<(tempfile::TempDir, PathBuf)> {
        let root = self.folder.root();
        let folder = tempfile::Builder::new().prefix("corpus-").suffix(".tmp").tempdir_in(root);
        let folder = folder.map_err(|source| Error::Io { doing: "creating a corpus in", path: root.into(), source })?;
        // A trainer may tell the format by the name.
        let path = folder.path().join("train.jsonl");
        std::fs::write(&path, &self.bound.tasks[task].corpus).map_err(|source| Error::Io {
            doing: "writing the corpus",
            path: path.clone(),
            source,
        })?;
        Ok((folder, path))
    }

    /// The artifact of a stage that ended well, with its lasting name.
    fn commit(&self, kind: StageKind, key: &str, seen: &Seen) -> Result<Option<Artifact>> {
        if seen.ended.status.success() { Ok(Some(self.folder.commit_artifact(kind, key)?)) } else { Ok(None) }
    }

    /// Every place whose weights a server reads: an adapter that is served apart stands on its base model.
    fn weight_paths(&self, stage: &Stage) -> Result<Vec<PathBuf>> {
        let weights = self.weights(stage)?;
        let base = if weights.join("adapter_config.json").is_file() { Some(self.base(stage.model)?) } else { None };
        Ok(base.into_iter().chain([weights]).collect())
    }

    /// Where the weights that a stage reads are.
    fn weights(&self, stage: &Stage) -> Result<PathBuf> {
        match stage.upstream {
            None => self.base(stage.model),
            Some(index) => self.left_by(index),
        }
    }

    /// Where the weights that a stage of the graph left are.
    fn left_by(&self, index: usize) -> Result<PathBuf> {
        let stage = &self.bound.graph.stages[index];
        let folder = self.folder.artifact(stage.kind, &self.bound.keys[index])?;
        Ok(folder.join(inside(&self.bound.plan, stage)))
    }
}

/// Runs one stage and gives its record. Whatever fails inside it is in the record.
///
/// # Errors
/// The run folder cannot be written, or the meter that the plan names cannot be opened.
pub(crate) fn run(context: &mut Context<'_>, index: usize, label: &str) -> Result<StageRecord> {
    let bound = context.bound;
    let (stage, key) = (&bound.graph.stages[index], &bound.keys[index]);
    let (command, seen, detail, artifact) = match stage.kind {
        StageKind::Adapt => adapt::run(context, stage, key)?,
        StageKind::Merge => compress::merge(context, stage, key)?,
        StageKind::Quantise => compress::quantise(context, stage, key)?,
        StageKind::Serve => serve::run(context, stage, key)?,
        StageKind::Quality => quality::run(context, stage, key)?,
        StageKind::Judge => rating::judge(context, stage),
        StageKind::Nli => rating::nli(context, stage, key)?,
        StageKind::Perplexity => perplexity::run(context, stage, key)?,
    };
    let order = context.order;
    context.order += 1;
    let (outcome, detail, artifact) = outcome::of(&seen, detail, artifact);
    Ok(StageRecord {
        schema: SCHEMA.to_owned(),
        key: key.clone(),
        kind: stage.kind,
        label: label.to_owned(),
        seed: bound.plan.stage_seed(stage),
        order,
        command: command.words(),
        outcome,
        span: seen.ended.span,
        duration: seen.ended.span.1.since(seen.ended.span.0),
        phases: without_progress(seen.ended.phases),
        energy: seen.energy,
        memory: seen.memory,
        artifact,
        detail,
    })
}

/// What a stage's own file gives back: how it was started, what was seen, and what it claims to have made.
type Run = (CommandLine, Seen, Result<Detail>, Result<Option<Artifact>>);

/// The marks that say where a stage was; a trainer's step after step belongs to its log.
fn without_progress(phases: Vec<Phase>) -> Vec<Phase> {
    phases.into_iter().filter(|phase| phase.phase != "progress").collect()
}

/// The facts of a stage's last mark as the record's type.
fn facts<T: serde::de::DeserializeOwned>(ended: &Ended) -> Result<T> {
    let facts = ended.facts("done").cloned().unwrap_or_default();
    serde_json::from_value(facts.into()).map_err(|source| Error::Facts { source })
}

/// The environment in which our arithmetic has so many threads. It has two pools of them, and each reads its own variable when it starts.
fn on_threads(threads: u32) -> Vec<(String, OsString)> {
    ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"].map(|pool| (pool.to_owned(), threads.to_string().into())).into()
}

/// What a stage's artifact folder holds.
fn inside(plan: &Plan, stage: &Stage) -> &'static str {
    let gives = match (stage.kind, stage.quantised_as) {
        (StageKind::Adapt, _) => plan.adapt.command.as_ref().map_or(Gives::Adapter, |command| command.gives),
        (StageKind::Quantise, Some(QuantisedAs::Command(engine))) => {
            plan.engines[engine].command().map_or(Gives::Gguf, |command| command.gives)
        }
        (StageKind::Quantise, Some(QuantisedAs::Gguf) | None) => Gives::Gguf,
        _ => Gives::Folder,
    };
    match gives {
        Gives::Adapter => "adapter",
        Gives::Folder => "model",
        Gives::Gguf => "model.gguf",
    }
}

/// A meter that runs, and when it saw the machine idle.
struct Metered {
    sampler: Sampler,
    idle: (Nanos, Nanos),
    /// How long idle power is measured.
    idle_s: f64,
    /// Something is measured, so windows must be long enough for a sensor.
    is_sensor: bool,
    /// What is measured is GPUs, which draw more with an idle context than without (an H200 130 W in place of 76).
    on_gpu: bool,
}

impl Metered {
    /// Has a stage that is ready wait, so that its idle power is seen: on a GPU, where the difference is large.
    fn rest(&self) -> Option<(Nanos, Nanos)> {
        if !self.on_gpu {
            return None;
        }
        self.sampler.mark();
        let begun = clock::now();
        std::thread::sleep(Duration::from_secs_f64(self.idle_s));
        self.sampler.mark();
        Some((begun, clock::now()))
    }

    /// Ends it. `cpu` is the kernel's total of the stage's CPU time.
    fn stop(self, cpu: Option<Seconds>) -> (Trace, Idle) {
        let trace = self.sampler.stop(cpu);
        let idle = trace.idle(self.idle.0, self.idle.1);
        (trace, idle)
    }
}
