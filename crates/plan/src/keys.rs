//! Stage keys: digests of everything that decides a stage's outcome, so that a finished stage is found again and a changed
//! one is not mistaken for it. Digests of files come from the caller; nothing is read here.
//!
//! A key is 128 bits of blake3, in hex, over the canonical JSON (members sorted, no spaces) of the stage's inputs. An
//! upstream stage enters by its key, so every key of a plan is known before anything has run.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    AdaptSpec, CommandSpec, Compress, EngineSpec, JudgeSpec, LoadSpec, LongPairs, MeterSpec, Method, Plan, Precision, QualitySpec,
    QuantisedAs, Stage, StageGraph, StageKind, TaskSpec,
};

/// Raised when a stage's code changes what the same inputs give; old records are then no longer reused.
const STAGE_VERSIONS: &[(StageKind, u32)] = &[
    (StageKind::Adapt, 1),
    (StageKind::Merge, 1),
    (StageKind::Quantise, 1),
    (StageKind::Serve, 2),
    (StageKind::Quality, 1),
    (StageKind::Judge, 1),
    (StageKind::Nli, 1),
    (StageKind::Perplexity, 1),
];

/// Digests that only the caller can take. `None` where a file is not there yet: the keys that need it are unknown then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    /// Of the weights, config and tokenizer of each of [`Plan::models`].
    pub models: Vec<Option<String>>,
    /// Of the training rows of each of [`Plan::tasks`].
    pub train: Vec<Option<String>>,
    /// Of the held-out rows of each of [`Plan::tasks`].
    pub eval: Vec<Option<String>>,
    /// Of the weights, config and tokenizer of [`Plan::nli`].
    pub nli: Option<String>,
    /// Of the files that the command of [`Plan::adapt`] names; `None` where there are none.
    pub adapt_command: Option<String>,
    /// Of the files that the compressing command of each of [`Plan::engines`] names; may be empty where no engine has one.
    pub compress_commands: Vec<Option<String>>,
    /// What tells one build of each of [`Plan::engines`] from another, such as its version.
    pub engines: Vec<String>,
}

/// What decides an adaptation.
#[derive(Clone, Copy, Debug)]
pub struct Adapt<'a> {
    /// Digest of the model.
    pub model: &'a str,
    /// Digest of the training rows.
    pub train: &'a str,
    /// The task: its prompts and how many rows.
    pub task: &'a TaskSpec,
    /// LoRA or QLoRA.
    pub method: Method,
    /// Hyper-parameters.
    pub spec: &'a AdaptSpec,
    /// Digest of the files that its command names.
    pub command: Option<&'a str>,
    /// How it is metered: energy is part of what is observed.
    pub meter: &'a MeterSpec,
    /// Seed of the stage.
    pub seed: u64,
}

/// What decides a serving run or a scored pass.
#[derive(Clone, Copy, Debug)]
pub struct Serving<'a> {
    /// Key of the stage that wrote the weights, or digest of the model when it is served as it is.
    pub weights: &'a str,
    /// Digest of the held-out rows.
    pub eval: &'a str,
    /// The task: its prompts.
    pub task: &'a TaskSpec,
    /// The engine as the plan has it.
    pub engine: &'a EngineSpec,
    /// Which build of the engine.
    pub engine_build: &'a str,
    /// Seed of the stage.
    pub seed: u64,
}

/// Key of an adaptation.
pub fn adapt(inputs: &Adapt<'_>) -> String {
    let Adapt { model, train, task, method, spec, command, meter, seed } = *inputs;
    let mut spec = spec.to_json();
    if let Some(by) = &inputs.spec.command {
        spec["command"] = command_input(by, command);
    }
    let prompts = json!({"kind": task.kind, "system": task.system, "rows": task.train_rows});
    digest(
        StageKind::Adapt,
        &[
            ("model", &model),
            ("train", &train),
            ("prompts", &prompts),
            ("method", &method),
            ("spec", &spec),
            ("meter", meter),
            ("seed", &seed),
        ],
    )
}

/// Key of a merge of the adapter with key `adapt` into the model with digest `model`.
pub fn merge(model: &str, adapt: &str, meter: &MeterSpec) -> String {
    digest(StageKind::Merge, &[("model", &model), ("adapt", &adapt), ("meter", meter)])
}

/// Key of a quantisation of what `weights` (a merge's key, or a model's digest) names.
pub fn quantise(weights: &str, precision: Precision, files: QuantisedAs, meter: &MeterSpec) -> String {
    quantisation(weights, precision, &files.name().into(), meter)
}

/// Key of a quantisation by a command, given the digest of the files that it names.
pub fn quantise_by(weights: &str, precision: Precision, command: &CommandSpec, files: Option<&str>, meter: &MeterSpec) -> String {
    quantisation(weights, precision, &command_input(command, files), meter)
}

fn quantisation(weights: &str, precision: Precision, files: &Value, meter: &MeterSpec) -> String {
    let mut inputs: Vec<(&str, &dyn Input)> = vec![("weights", &weights), ("precision", &precision), ("meter", meter)];
    // Keys of GGUF files are those of the time when there was nothing else.
    if *files != QuantisedAs::Gguf.name() {
        inputs.push(("files", files));
    }
    digest(StageKind::Quantise, &inputs)
}

/// A command as it decides an outcome: where the plan lies is no part of it, what its files hold is.
fn command_input(command: &CommandSpec, files: Option<&str>) -> Value {
    json!({"run": command.run, "environment": command.environment, "gives": command.gives, "files": files})
}

/// An engine as it decides an outcome: its label and its price are no part of it.
fn engine_input(engine: &EngineSpec) -> Value {
    let mut input = json!({"kind": engine.kind, "options": engine.options});
    if engine.compress == Some(Compress::Engine) {
        input["compress"] = "engine".into();
    }
    input
}

/// Key of serving run number `run`.
pub fn serve(inputs: &Serving<'_>, load: &LoadSpec, meter: &MeterSpec, run: u32) -> String {
    let Serving { weights, eval, task, engine, engine_build, seed } = *inputs;
    let prompts = json!({"kind": task.kind, "system": task.system, "rows": task.eval_rows});
    digest(
        StageKind::Serve,
        &[
            ("weights", &weights),
            ("eval", &eval),
            ("prompts", &prompts),
            ("engine", &engine_input(engine)),
            ("engine_build", &engine_build),
            ("load", load),
            ("meter", meter),
            ("run", &run),
            ("seed", &seed),
        ],
    )
}

/// Key of a scored pass, the first of which has no number. The load is no part of it, nor which marks count: answers stay what they are.
pub fn quality(inputs: &Serving<'_>, spec: &QualitySpec, pass: Option<u32>) -> String {
    let Serving { weights, eval, task, engine, engine_build, seed } = *inputs;
    let prompts = json!({"kind": task.kind, "system": task.system, "rows": task.eval_rows, "max_tokens": task.max_tokens});
    let engine = engine_input(engine);
    let mut inputs: Vec<(&str, &dyn Input)> = vec![
        ("weights", &weights),
        ("eval", &eval),
        ("prompts", &prompts),
        ("engine", &engine),
        ("engine_build", &engine_build),
        ("seed", &seed),
    ];
    // What is as it was before there was a choice leaves keys as they were.
    if let Some(pass) = &pass {
        inputs.push(("pass", pass));
    }
    if spec.temperature > 0.0 {
        inputs.push(("temperature", &spec.temperature));
    }
    digest(StageKind::Quality, &inputs)
}

/// Key of a judge's ratings of the answers of the pass with key `quality`. How fast it is asked and what it costs is no part of it.
pub fn judge(quality: &str, judge: &JudgeSpec, seed: u64) -> String {
    let by = json!({"url": judge.url, "model": judge.model, "attempts": judge.attempts});
    digest(StageKind::Judge, &[("quality", &quality), ("judge", &by), ("seed", &seed)])
}

/// Key of the ratings of a cross-encoder, given by the digest of its files.
pub fn nli(quality: &str, model: &str, long: LongPairs, meter: &MeterSpec) -> String {
    let mut inputs: Vec<(&str, &dyn Input)> = vec![("quality", &quality), ("model", &model), ("meter", meter)];
    if long != LongPairs::default() {
        inputs.push(("long", &long));
    }
    digest(StageKind::Nli, &inputs)
}

/// Key of the likelihood of a task's reference answers under `weights`, beside those of `against`. No engine is part of it.
pub fn perplexity(weights: &str, against: Option<&str>, eval: &str, task: &TaskSpec, meter: &MeterSpec) -> String {
    let prompts = json!({"kind": task.kind, "system": task.system, "rows": task.eval_rows});
    digest(StageKind::Perplexity, &[("weights", &weights), ("against", &against), ("eval", &eval), ("prompts", &prompts), ("meter", meter)])
}

impl StageGraph {
    /// The key of every stage, in the order of [`StageGraph::stages`]; `None` where a digest it needs is not known.
    pub fn keys(&self, plan: &Plan, digests: &Digests) -> Vec<Option<String>> {
        let mut keys = Vec::with_capacity(self.stages.len());
        for stage in &self.stages {
            keys.push(key(plan, stage, &keys, digests));
        }
        keys
    }
}

/// The key of one stage, given those before it.
fn key(plan: &Plan, stage: &Stage, before: &[Option<String>], digests: &Digests) -> Option<String> {
    let known = |list: &'_ [Option<String>], index: usize| list.get(index).cloned().flatten();
    let model = known(&digests.models, stage.model)?;
    let upstream = match stage.upstream {
        Some(index) => known(before, index)?,
        None => model.clone(),
    };
    let task = plan.tasks.get(stage.task)?;
    let seed = plan.stage_seed(stage);
    match stage.kind {
        StageKind::Adapt => {
            let train = known(&digests.train, stage.task)?;
            let (method, spec, command) = (stage.method, &plan.adapt, digests.adapt_command.as_deref());
            Some(adapt(&Adapt { model: &model, train: &train, task, method, spec, command, meter: &plan.meter, seed }))
        }
        StageKind::Merge => Some(merge(&model, &upstream, &plan.meter)),
        StageKind::Quantise => match stage.quantised_as? {
            QuantisedAs::Command(engine) => {
                let files = digests.compress_commands.get(engine).and_then(Option::as_deref);
                let command = plan.engines.get(engine)?.command()?;
                Some(quantise_by(&upstream, stage.precision?, command, files, &plan.meter))
            }
            files => Some(quantise(&upstream, stage.precision?, files, &plan.meter)),
        },
        StageKind::Serve | StageKind::Quality => {
            let eval = known(&digests.eval, stage.task)?;
            let engine = plan.engines.get(stage.engine?)?;
            let engine_build = digests.engines.get(stage.engine?)?;
            let inputs = Serving { weights: &upstream, eval: &eval, task, engine, engine_build, seed };
            match stage.kind {
                StageKind::Quality => Some(quality(&inputs, &plan.quality, stage.run)),
                _ => Some(serve(&inputs, &plan.load, &plan.meter, stage.run?)),
            }
        }
        StageKind::Judge => Some(judge(&upstream, plan.judge.as_ref()?, seed)),
        StageKind::Nli => Some(nli(&upstream, digests.nli.as_deref()?, plan.nli.as_ref()?.long, &plan.meter)),
        StageKind::Perplexity => {
            let eval = known(&digests.eval, stage.task)?;
            let against = match stage.against {
                Some(index) => Some(known(before, index)?),
                None => None,
            };
            Some(perplexity(&upstream, against.as_deref(), &eval, task, &plan.meter))
        }
    }
}

/// Something that has a JSON form, as a trait object so that inputs of all types stand in one list.
trait Input {
    fn to_json(&self) -> Value;
}

impl<T: Serialize + ?Sized> Input for T {
    fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("plan types have string keys and no failing serialiser")
    }
}

fn digest(kind: StageKind, inputs: &[(&str, &dyn Input)]) -> String {
    let version = STAGE_VERSIONS.iter().find(|(k, _)| *k == kind).map_or(0, |(_, version)| *version);
    let members = inputs.iter().map(|(name, value)| ((*name).to_owned(), value.to_json())).collect();
    let whole = json!({"stage": kind, "version": version, "inputs": Value::Object(members)});
    let mut text = String::new();
    canonical(&whole, &mut text);
    blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
}

/// JSON with sorted members and no spaces: one text for one value.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            sequence(out, ('{', '}'), members, |(name, value), out| {
                *out += &Value::from(name.as_str()).to_string();
                out.push(':');
                canonical(value, out);
            });
        }
        Value::Array(elements) => sequence(out, ('[', ']'), elements, canonical),
        scalar => *out += &scalar.to_string(),
    }
}

fn sequence<T>(out: &mut String, (open, close): (char, char), items: impl IntoIterator<Item = T>, mut write: impl FnMut(T, &mut String)) {
    out.push(open);
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_json_does_not_depend_on_order() {
        let text = |json: &str| {
            let mut out = String::new();
            canonical(&serde_json::from_str(json).unwrap(), &mut out);
            out
        };
        assert_eq!(text(r#"{"b": [1, 2.5, {"y": null, "x": "é\n"}], "a": true}"#), r#"{"a":true,"b":[1,2.5,{"x":"é\n","y":null}]}"#);
        assert_eq!(text(r#"{"a":1,"b":2}"#), text(r#"{"b":2,"a":1}"#));
    }
}
