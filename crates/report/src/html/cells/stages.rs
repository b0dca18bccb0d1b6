//! A stage for the drill-down: what was run, how it ended, what it cost, and its requests and power, thinned.

use record::{Artifact, Detail, EnergyWindow, Outcome, Request, StageRecord, Verdict};
use serde::Serialize;
use serde_json::Value;
use units::Nanos;

use crate::{
    gather::{Result, Run},
    html::power::{Trace, short, traces},
};

/// How much of the page's room a stage may take.
pub(super) struct Share {
    /// Points of power of a trace.
    power: usize,
    /// Requests of a stage.
    requests: usize,
}

/// A stage as the page's script has it.
#[derive(Serialize)]
pub(super) struct Stage<'a> {
    kind: &'static str,
    label: &'a str,
    key: &'a str,
    seed: u64,
    order: u32,
    command: &'a [String],
    /// `done`, or why it failed.
    outcome: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    last_lines: Vec<&'a str>,
    duration_s: f64,
    /// Phases in seconds from its start.
    phases: Vec<(&'a str, f64)>,
    energy: Vec<Window<'a>>,
    /// Peaks in bytes, or why they are not known.
    resident: Value,
    gpu: Value,
    artifact: Option<&'a Artifact>,
    /// What the engine told of itself, or the stage of its result.
    facts: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<Requests>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    power: Vec<Trace>,
}

/// An energy window.
#[derive(Serialize)]
struct Window<'a> {
    name: &'a str,
    source: Option<&'static str>,
    /// Seconds from the stage's start, and its length.
    span: (f64, f64),
    gross_j: Option<f64>,
    net_j: Option<f64>,
    samples: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    residual: Option<f64>,
    /// Why it is not valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    gpus: Vec<&'a str>,
}

/// Requests as columns, in ms from the first one's due time.
#[derive(Default, Serialize)]
struct Requests {
    /// How many there were.
    of: usize,
    due_ms: Vec<f64>,
    late_ms: Vec<f64>,
    ttft_ms: Vec<Option<f64>>,
    e2e_ms: Vec<f64>,
    input_tokens: Column,
    output_tokens: Column,
    /// Failures: the position here and the reason.
    failures: Vec<(usize, String)>,
}

/// A column, or its one value where all rows have the same.
#[derive(Serialize)]
#[serde(untagged)]
enum Column {
    Same(Option<u32>),
    Each(Vec<Option<u32>>),
}

impl Default for Column {
    fn default() -> Self {
        Self::Each(Vec::new())
    }
}

impl Column {
    fn of(values: Vec<Option<u32>>) -> Self {
        match values.split_first() {
            Some((first, rest)) if rest.iter().all(|value| value == first) => Self::Same(*first),
            _ => Self::Each(values),
        }
    }
}

impl Share {
    /// Divides the room among the stages.
    pub(super) fn of(records: &[&StageRecord], power: usize, requests: usize) -> Self {
        let serving = records.iter().filter(|record| matches!(record.detail, Detail::Serve(_))).count().max(1);
        Self { power: (power / serving).clamp(20, 400), requests: (requests / serving).clamp(20, 1000) }
    }
}

impl<'a> Stage<'a> {
    /// # Errors
    /// Its power samples are damaged.
    pub(super) fn of(run: &Run, record: &'a StageRecord, share: &Share) -> Result<Self> {
        let start = record.span.0;
        let (outcome, last_lines) = match &record.outcome {
            Outcome::Done => ("done", Vec::new()),
            Outcome::Failed { reason, last_lines, .. } => (reason.as_str(), last_lines.iter().map(String::as_str).collect()),
        };
        let power = match &record.detail {
            Detail::Serve(facts) => match &facts.power_file {
                Some(file) => traces(&run.folder.read_power(file)?, start, share.power),
                None => Vec::new(),
            },
            _ => Vec::new(),
        };
        let told = record.phases.iter().rev().find(|phase| phase.phase == "engine").or(record.phases.last());
        Ok(Self {
            kind: record.kind.name(),
            label: &record.label,
            key: &record.key,
            seed: record.seed,
            order: record.order,
            command: &record.command,
            outcome,
            last_lines,
            duration_s: short(record.duration.get()),
            phases: record.phases.iter().map(|phase| (phase.phase.as_str(), seconds(start, phase.at))).collect(),
            energy: record.energy.iter().map(|window| Window::of(window, start)).collect(),
            resident: serde_json::to_value(&record.memory.resident)?,
            gpu: serde_json::to_value(&record.memory.gpu)?,
            artifact: record.artifact.as_ref(),
            facts: told.map_or(Value::Null, |phase| Value::Object(phase.facts.clone())),
            requests: requests_of(run, record).map(|requests| Requests::of(requests, share.requests)),
            power,
        })
    }
}

/// The requests of a serving run, which were read already.
fn requests_of<'a>(run: &'a Run, record: &StageRecord) -> Option<&'a [Request]> {
    let serving = run.campaign().cells.iter().flat_map(|cell| &cell.serve);
    let mut mine = serving.filter(|run| matches!(&run.stage, metric::Stage::Recorded(known) if known.key == record.key));
    mine.next().map(|run| run.requests.as_slice())
}

impl<'a> Window<'a> {
    fn of(window: &'a EnergyWindow, start: Nanos) -> Self {
        let joules = |reading: &units::Reading<units::Joules>| reading.known().ok().map(|joules| short(joules.get()));
        Self {
            name: &window.name,
            source: window.source.map(record::EnergySource::label),
            span: (seconds(start, window.start), seconds(window.start, window.end)),
            gross_j: joules(&window.gross),
            net_j: joules(&window.net),
            samples: window.samples,
            residual: window.residual.map(short),
            invalid: if let Verdict::Invalid { reason, .. } = &window.verdict { Some(reason) } else { None },
            gpus: window.gpus.iter().map(|gpu| gpu.name.as_str()).collect(),
        }
    }
}

impl Requests {
    /// At most so many of them, evenly over the run; failed ones are all kept.
    fn of(requests: &[Request], most: usize) -> Self {
        let step = requests.len().div_ceil(most).max(1);
        let mut all = Self { of: requests.len(), ..Self::default() };
        let Some(first) = requests.iter().map(|request| request.due).min() else { return all };
        let (mut input, mut output) = (Vec::new(), Vec::new());
        let ms = |from: Nanos, to: Nanos| short(to.signed_since(from).get() * 1e3);
        for (_, request) in requests.iter().enumerate().filter(|(i, request)| i % step == 0 || request.failure.is_some()) {
            if let Some(why) = &request.failure {
                all.failures.push((all.due_ms.len(), why.clone()));
            }
            all.due_ms.push(ms(first, request.due));
            all.late_ms.push(ms(request.due, request.sent));
            all.ttft_ms.push(request.first_content.map(|first| ms(request.due, first)));
            all.e2e_ms.push(ms(request.due, request.end));
            input.push(request.prompt_tokens);
            output.push(request.completion_tokens);
        }
        all.input_tokens = Column::of(input);
        all.output_tokens = Column::of(output);
        all
    }
}

fn seconds(from: Nanos, to: Nanos) -> f64 {
    short(to.signed_since(from).get())
}
