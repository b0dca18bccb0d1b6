//! What `edge-eval meter` found, as one JSON object: names carry their units, every figure its n and interval, and what is
//! missing its reason.

use std::{collections::BTreeMap, os::unix::process::ExitStatusExt};

use record::{EnergyWindow, GpuState, Machine, Verdict};
use serde::Serialize;
use serde_json::{Map, Value, json};
use stats::Estimate;
use units::Reading;

use super::{
    Args, Measured, also,
    command::Launch,
    compare::{Ratio, compare},
    curve::Curve,
    figures::{self, FIGURES},
    observe::Observed,
};

/// The version of the object.
const SCHEMA: &str = "edge-eval/meter/1";

/// Everything that is told of one or two commands.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) commands: Vec<Told>,
    pub(super) comparison: Vec<Ratio>,
    machine: Machine,
    interrupted: bool,
    seed: u64,
}

/// What is told of one command.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) written: String,
    words: Vec<String>,
    /// By name, in the order of [`FIGURES`].
    pub(super) figures: Vec<(&'static str, Reading<Estimate>)>,
    /// What energy rests on, in words.
    pub(super) source: Option<String>,
    /// `None` when the command never ran.
    pub(super) verdict: Option<Verdict>,
    pub(super) hint: Option<String>,
    pub(super) notes: Vec<String>,
    pub(super) curve: Option<Curve>,
    /// How the last run ended.
    pub(super) status: Option<std::process::ExitStatus>,
    pub(super) runs: Vec<Run>,
}

/// One run, as JSON tells it.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    round: u32,
    /// Times that the command was executed in it, one after the other.
    pub(super) repeats: usize,
    /// From the first spawn to the last end.
    pub(super) window_s: f64,
    exit_code: Option<i32>,
    signal: Option<i32>,
    /// Figures of one execution.
    #[serde(flatten)]
    figures: BTreeMap<&'static str, Option<f64>>,
    /// What each meter saw.
    windows: Vec<EnergyWindow>,
}

impl Report {
    pub(super) fn of(args: &Args, commands: &[Launch], measured: &Measured) -> Self {
        let told: Vec<Told> = commands.iter().zip(&measured.runs).map(|(launch, runs)| Told::of(args, launch, runs)).collect();
        let comparison = match measured.runs.as_slice() {
            [first, second] => compare(&well_ended(first), &well_ended(second)),
            _ => Vec::new(),
        };
        let machine = Machine::fingerprint(env!("CARGO_PKG_VERSION"));
        Self { commands: told, comparison, machine, interrupted: measured.interrupted, seed: args.seed }
    }

    /// Whether every command has its energy.
    pub(super) fn energy_is_known(&self) -> bool {
        self.commands.iter().all(|told| told.verdict == Some(Verdict::Valid))
    }

    fn json(&self) -> Value {
        let mut object = Map::new();
        object.insert("schema".to_owned(), json!(SCHEMA));
        let mut told = self.commands.iter().map(Told::json);
        object.extend(told.next().unwrap_or_default());
        if let Some(second) = told.next() {
            object.insert("against".to_owned(), second.into());
            object.insert("comparison".to_owned(), json!(self.comparison));
            object.insert("seed".to_owned(), json!(self.seed));
        }
        object.insert("interrupted".to_owned(), json!(self.interrupted));
        object.insert("machine".to_owned(), json!(self.machine));
        object.into()
    }
}

impl Serialize for Report {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(serializer)
    }
}

/// Runs whose command ended well; a failed run is not mixed with them.
fn well_ended(runs: &[Observed]) -> Vec<Observed> {
    runs.iter().filter(|run| run.succeeded()).cloned().collect()
}

impl Told {
    fn of(args: &Args, launch: &Launch, all: &[Observed]) -> Self {
        let well = well_ended(all);
        // A command that failed at once is still told of.
        let runs = if well.is_empty() { all } else { &well };
        let invalid = || runs.iter().map(figures::verdict).find(|verdict| *verdict != Verdict::Valid);
        let verdict = runs.first().map(|_| invalid().unwrap_or(Verdict::Valid));
        Self {
            written: launch.written(),
            words: launch.words(),
            figures: FIGURES.iter().map(|figure| (figure.name, figures::estimate(figure, runs))).collect(),
            source: runs.first().and_then(figures::source),
            hint: hint(args, verdict.as_ref(), runs),
            verdict,
            notes: notes(args, runs),
            curve: runs.last().filter(|run| figures::verdict(run) == Verdict::Valid).and_then(|run| Curve::of(run, &figures::counted(run))),
            status: all.last().map(|run| run.status),
            runs: all.iter().map(Run::of).collect(),
        }
    }

    /// A figure by its name.
    pub(super) fn figure(&self, name: &str) -> Option<&Reading<Estimate>> {
        self.figures.iter().find(|(known, _)| *known == name).map(|(_, reading)| reading)
    }

    /// State of the GPUs in the last run.
    pub(super) fn gpus(&self) -> impl Iterator<Item = &GpuState> {
        self.runs
            .last()
            .into_iter()
            .flat_map(|run| &run.windows)
            .filter(|window| window.verdict == Verdict::Valid)
            .flat_map(|window| &window.gpus)
    }

    /// The largest distance of counter and integral, where both were seen.
    pub(super) fn residual(&self) -> Option<f64> {
        let all = self.runs.iter().flat_map(|run| &run.windows).filter_map(|window| window.residual);
        all.max_by(|a, b| a.abs().total_cmp(&b.abs()))
    }

    fn json(&self) -> Map<String, Value> {
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        put("command", json!(self.words));
        for (name, reading) in &self.figures {
            put(name, json!(reading.known().ok().map(|estimate| estimate.value)));
        }
        let known = self.figures.iter().filter_map(|(name, reading)| Some((*name, reading.known().ok()?)));
        let interval = |estimate: &Estimate| json!({"n": estimate.n, "ci95": estimate.ci95, "method": estimate.method});
        put("intervals", known.map(|(name, estimate)| (name.to_owned(), interval(estimate))).collect::<Map<_, _>>().into());
        let missing = self.figures.iter().filter_map(|(name, reading)| Some(((*name).to_owned(), json!(reading.known().err()?.0))));
        put("missing", missing.collect::<Map<_, _>>().into());
        put("energy_source", json!(self.source));
        put("verdict", json!(self.verdict));
        put("hint", json!(self.hint));
        put("notes", json!(self.notes));
        put("exit_code", json!(self.status.and_then(|status| status.code())));
        put("signal", json!(self.status.and_then(|status| status.signal())));
        put("power_curve", json!(self.curve));
        put("runs", json!(self.runs));
        object
    }
}

impl Run {
    fn of(run: &Observed) -> Self {
        Self {
            round: run.round,
            repeats: run.executions.len(),
            window_s: run.span.1.since(run.span.0).get(),
            exit_code: run.status.code(),
            signal: run.status.signal(),
            figures: FIGURES.iter().map(|figure| (figure.name, (figure.of)(run).known().ok().copied())).collect(),
            windows: run.sources.iter().map(|source| source.window.clone()).collect(),
        }
    }
}

/// How to get the energy that is missing.
fn hint(args: &Args, verdict: Option<&Verdict>, runs: &[Observed]) -> Option<String> {
    let Some(Verdict::Invalid { code, .. }) = verdict else { return None };
    let hint = match code.as_str() {
        "no_meter" => "state the watts of a busy core, such as --modelled-w-per-core 8, for energy modelled from CPU time".to_owned(),
        "window_too_short" if args.no_repeat || args.stdin => "without --no-repeat and --stdin a short command is repeated".to_owned(),
        "foreign_process" => match foreign(runs).as_slice() {
            [] => "close what else uses the GPU".to_owned(),
            names => format!("if {} works for the command, give {}", names.join(", "), also_flags(names)),
        },
        "gpu_not_held" => {
            "give --also NAME for the process that works for the command, or --gpu INDEX to count a whole GPU whoever uses it".to_owned()
        }
        "sampler_starved" => {
            "the machine was too busy to be sampled: run fewer things beside it, or give a longer --interval-ms".to_owned()
        }
        _ => return None,
    };
    Some(hint)
}

fn also_flags(names: &[String]) -> String {
    names.iter().map(|name| format!("--also {name}")).collect::<Vec<_>>().join(" ")
}

/// Names, or ids where there is none, of the other processes on the GPUs.
fn foreign(runs: &[Observed]) -> Vec<String> {
    let states = runs.iter().flat_map(|run| &run.sources).flat_map(|source| &source.window.gpus);
    let pids = states.flat_map(|gpu| &gpu.foreign_pids);
    let mut names: Vec<String> = pids.map(|pid| also::name(*pid).unwrap_or_else(|| pid.to_string())).collect();
    names.sort();
    names.dedup();
    names
}

/// What must be known to read the figures right.
fn notes(args: &Args, runs: &[Observed]) -> Vec<String> {
    let mut notes = Vec::new();
    let most = runs.iter().map(|run| run.executions.len()).max().unwrap_or(0);
    if most > 1 {
        notes.push(format!("the command was repeated within each window, up to {most} times: time and energy are of one execution"));
    }
    if !args.gpu.is_empty() {
        notes.push(format!("all energy of GPU {:?} is counted, whoever used it", args.gpu));
    }
    if !args.also.is_empty() {
        notes.push(format!("{} counted with the command, its CPU time in modelled energy only", args.also.join(", ")));
    }
    for window in runs.iter().take(1).flat_map(|run| &run.sources).map(|source| &source.window) {
        notes.extend(window.notes.iter().cloned());
    }
    if runs.iter().flat_map(|run| &run.sources).any(|source| source.window.short) {
        notes.push("a window of 2 to 5 s repeats less well than a longer one".to_owned());
    }
    if let Some(run) = runs.first() {
        notes.extend(left_out(run));
        if figures::counted(run).iter().any(|index| run.sources[*index].window.modelled_w_per_core.is_some()) {
            notes.push("modelled energy is CPU time times the stated power of a core: a model, not a measurement".to_owned());
        }
    }
    notes
}

/// Sources that the energy is not of.
fn left_out(run: &Observed) -> Vec<String> {
    let counted = figures::counted(run);
    let others = run.sources.iter().enumerate().filter(|(index, _)| !counted.contains(index));
    let reasons = others.filter_map(|(_, source)| match &source.window.verdict {
        Verdict::Invalid { code, reason } if code == "gpu_not_held" => Some(format!("no GPU is counted: {reason}")),
        Verdict::Invalid { reason, .. } => Some(format!("the processor is not counted: {reason}")),
        Verdict::Valid => None,
    });
    reasons.collect()
}
