//! What a cell's records say of its work and of its machine, as far as a projection needs it.

use plan::{ModelSource, Precision, Strategy};
use record::{Detail, EnergySource, StageRecord};
use serde_json::Value;
use units::Missing;

use super::{Devices, Machine, Seen, Work};
use crate::{
    CellView, energy, find,
    runs::{Run, Runs, completion, prompt},
};

/// A cell at one level of concurrency: what was asked of which machine, and what was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// On what.
    pub machine: Machine,
    /// What was asked.
    pub work: Work,
    /// What was seen.
    pub seen: Seen,
    /// What must be said of it, each lower case without a final stop.
    pub notes: Vec<String>,
}

/// Reads a cell. The machine is `on` where it is given, else the GPUs that its energy windows name, found in the table.
///
/// # Errors
/// No run ended well, its machine is not known, or its tokens or weights are not told.
pub fn recorded(view: &CellView, devices: &Devices, on: Option<&Machine>) -> Result<Recorded, Missing> {
    let runs = Runs::of(view)?;
    let machine = on.map_or_else(|| of_windows(&runs, devices), |machine| Ok(machine.clone()))?;
    let streams = runs.iter().map(|run| run.facts.concurrency).max().unwrap_or(1);
    let prompt_tokens = mean(&runs, prompt)?;
    let output_tokens = mean(&runs, completion)?;
    let (weights_bytes, mut notes) = weights(&runs)?;
    let parameters = parameters(view);
    if let Err(why) = &parameters {
        notes.push(format!("{why}: its decode is taken as bound by memory"));
    }
    let longest = f64::from(streams) * (prompt_tokens + output_tokens);
    let work = Work {
        streams: f64::from(streams),
        prompt_tokens: Some(prompt_tokens),
        output_tokens,
        weights_bytes,
        parameters: parameters.ok(),
        kv_bytes_per_token: runs.iter().filter_map(|run| kv_peak(view, run)).reduce(f64::max).map(|bytes| bytes / longest),
    };
    Ok(Recorded { machine, work, seen: seen(view), notes })
}

/// The GPUs that the windows of the runs were metered on.
fn of_windows(runs: &Runs, devices: &Devices) -> Result<Machine, Missing> {
    let mut told: Vec<Vec<&str>> = Vec::new();
    for run in runs.iter() {
        let window = energy::window(run.record, "speed")?;
        told.push(window.gpus.iter().map(|gpu| gpu.name.as_str()).collect());
    }
    let first = told.first().cloned().unwrap_or_default();
    let Some(name) = first.first().copied() else {
        return Err(Missing::because("its records name no GPU that was metered: say what it ran on with --from"));
    };
    if told.iter().flatten().any(|other| *other != name) || told.iter().any(|gpus| gpus.len() != first.len()) {
        return Err(Missing::because("its runs were on different GPUs"));
    }
    let device = devices.find(name).map_err(|error| Missing::because(format!("{error}: say what it ran on with --from")))?;
    Ok(Machine { device: device.clone(), count: first.len() as u32 })
}

/// Mean count of tokens of the answered requests of all runs.
fn mean(runs: &Runs, tokens: impl Fn(&record::Request) -> Result<u64, Missing>) -> Result<f64, Missing> {
    let (mut sum, mut n) = (0, 0_u64);
    for run in runs.iter() {
        for request in run.answered()? {
            sum += tokens(request)?;
            n += 1;
        }
    }
    if sum > 0 { Ok(sum as f64 / n as f64) } else { Err(Missing::because("its requests have no tokens")) }
}

fn weights(runs: &Runs) -> Result<(f64, Vec<String>), Missing> {
    let told: Vec<f64> = runs.iter().filter_map(|run| Some(run.facts.weights_memory.known().ok()?.get() as f64)).collect();
    if let Some(most) = told.into_iter().reduce(f64::max) {
        return Ok((most, Vec::new()));
    }
    let disk = runs.iter().map(|run| run.facts.weights_disk.get() as f64).fold(0.0, f64::max);
    let said = "the engine does not tell its weights in memory: those on disk are taken".to_owned();
    if disk > 0.0 { Ok((disk, vec![said])) } else { Err(Missing::because("the size of its weights is not told")) }
}

/// Parameters: of 16-bit weights on disk two bytes each; of quantised ones those of the merged folder or of a 16-bit sibling.
fn parameters(view: &CellView) -> Result<f64, Missing> {
    let cell = view.cell();
    let unknown = || Missing::because("how many parameters the model has is not known");
    let model = view.plan().models.iter().find(|model| model.family == cell.family && model.tier == cell.tier);
    // A GGUF file is served as it is, whatever its format.
    if model.is_none_or(|model| matches!(&model.source, ModelSource::Path(path) if path.extension().is_some_and(|end| end == "gguf"))) {
        return Err(unknown());
    }
    let on_disk = |view: &CellView| Some(Runs::of(view).ok()?.iter().next()?.facts.weights_disk.get() as f64);
    let merged = || match view.records.merge.done("merge").ok().map(|record| &record.detail) {
        Some(Detail::Compress(facts)) => Some(facts.weight_bytes.get() as f64),
        _ => None,
    };
    let bytes = if cell.strategy.precision() == Precision::Fp16 {
        on_disk(view)
    } else {
        merged().or_else(|| [Strategy::LoraFp16, Strategy::BaseFp16].into_iter().find_map(|fp16| on_disk(&view.sibling(fp16).ok()?)))
    };
    bytes.filter(|bytes| *bytes > 0.0).map(|bytes| bytes / 2.0).ok_or_else(unknown)
}

/// The most bytes of KV cache that were in use at the run's level.
fn kv_peak(view: &CellView, run: &Run) -> Option<f64> {
    let facts = engine_facts(run.record)?;
    let level = facts.get(&format!("at_{}_streams", run.facts.concurrency)).and_then(Value::as_object);
    let used = level.unwrap_or(facts).get("kv_used_peak_bytes");
    // The engine's own peak is that of the whole process, so of the level only where there is one.
    let only = || facts.get("kv_peak_bytes").filter(|_| view.plan().load.sweep.is_empty());
    used.or_else(only).and_then(Value::as_f64).filter(|bytes| *bytes > 0.0)
}

fn engine_facts(record: &StageRecord) -> Option<&serde_json::Map<String, Value>> {
    record.phases.iter().rfind(|phase| phase.phase == "engine").map(|phase| &phase.facts)
}

fn seen(view: &CellView) -> Seen {
    let figure = |name: &str| find(name).expect("the registry's own name").of(view);
    let value = |name: &str| figure(name).estimate.map(|estimate| estimate.value);
    let energy = figure("energy_per_token_j");
    let metered = match energy.source {
        Some(EnergySource::Modelled) => Err(Missing::because("its energy is modelled, not metered: there is no power to carry over")),
        _ => energy.estimate.map(|estimate| estimate.value),
    };
    Seen { ttft_ms: value("ttft_ms"), itl_ms: value("itl_ms"), tokens_per_s: value("throughput_tok_s"), joules_per_token: metered }
}
