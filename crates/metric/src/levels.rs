//! A cell at another level of concurrency: the same records, with the window of that level in the place of the run's own. Every figure then
//! comes from the same code; nothing is computed here.

use std::{collections::BTreeMap, sync::Arc};

use record::{Detail, EnergyWindow, LevelFacts, LoadFacts, StageRecord};
use units::Missing;

use crate::{CellRecords, CellView, ServingRun, view::Stage};

/// The figures that are of a speed window, and so have a value at each level of concurrency. The others are of the weights, of their making,
/// or of the whole process.
pub const OF_A_WINDOW: &[&str] = &[
    "c_tax",
    "carbon_per_month_g",
    "carbon_per_request_g",
    "cost_per_month_hosted_usd",
    "cost_per_month_reserved_usd",
    "cost_per_month_usd",
    "cost_per_request_hosted_usd",
    "cost_per_request_reserved_usd",
    "cost_per_request_usd",
    "e2e_ms",
    "energy_delay_product",
    "energy_per_request_j",
    "energy_per_request_net_j",
    "energy_per_token_j",
    "energy_per_token_net_j",
    "goodput_per_watt",
    "goodput_rps",
    "goodput_tokens_per_joule",
    "ipw",
    "itl_ms",
    "j_per_right_answer",
    "n_break",
    "power_w",
    "requests_failed",
    "requests_per_cold_start",
    "rho_sys",
    "rho_sys_disk",
    "rho_sys_weights",
    "throughput_per_stream_tok_s",
    "throughput_tok_s",
    "tokens_per_joule",
    "tpot_ms",
    "ttft_ms",
    "ttft_sent_ms",
    "usd_per_mtok_output",
    "usd_per_mtok_output_reserved",
];

/// What is to be said of a peak of memory where one process served several levels.
pub(crate) fn peak_note(view: &CellView) -> Option<String> {
    let load = &view.plan().load;
    let several = !load.sweep.is_empty();
    several.then(|| format!("the peak memory is that of the whole run, which held up to {} streams", load.most_concurrent()))
}

/// The name of the energy window of a run's own level.
const OWN_WINDOW: &str = "speed";

impl CellView<'_> {
    /// The levels of concurrency of a plan that sweeps over several, in order, the cells' own among them; none otherwise.
    pub fn levels(&self) -> Vec<u32> {
        let load = &self.plan().load;
        let mut levels: Vec<u32> = if load.sweep.is_empty() { Vec::new() } else { load.levels().collect() };
        levels.sort_unstable();
        levels.dedup();
        levels
    }

    /// The cell's records at one of its levels.
    pub fn at_level(&self, concurrency: u32) -> CellRecords {
        let serve = self.records.serve.iter().map(|run| at_level(run, concurrency)).collect();
        CellRecords { serve, ..self.records.clone() }
    }
}

/// A run as if it had been measured at one of its levels alone; lacking where that level has no window.
fn at_level(run: &ServingRun, concurrency: u32) -> ServingRun {
    let Stage::Recorded(record) = &run.stage else { return run.clone() };
    let Detail::Serve(facts) = &record.detail else { return run.clone() };
    if facts.concurrency == concurrency {
        return run.clone();
    }
    let told = facts.levels.iter().find(|level| level.concurrency == concurrency);
    let level = told.ok_or_else(|| Missing::because(format!("it was not measured at {concurrency} streams")));
    match level.and_then(|level| replaced(record, facts, level)) {
        Ok(record) => ServingRun {
            stage: Stage::Recorded(Arc::new(record)),
            requests: run.levels.get(&concurrency).cloned().unwrap_or_default(),
            levels: BTreeMap::new(),
        },
        Err(why) => ServingRun { stage: Stage::Lacking(why), requests: Vec::new(), levels: BTreeMap::new() },
    }
}

/// The record with the level's facts, and its energy window, in the place of the run's own.
fn replaced(record: &StageRecord, facts: &LoadFacts, level: &LevelFacts) -> Result<StageRecord, Missing> {
    let LevelFacts { concurrency, seen } = level;
    let seen = seen.known().map_err(|why| Missing::because(format!("at {concurrency} streams {why}")))?;
    let facts = LoadFacts {
        concurrency: *concurrency,
        requests: seen.requests,
        warmup: seen.warmup,
        window: seen.window,
        repeats: seen.repeats,
        prompts_repeat: seen.prompts_repeat,
        request_energy: seen.request_energy.clone(),
        prefix_cache_share: seen.prefix_cache_share.clone(),
        requests_file: seen.requests_file.clone(),
        ..facts.clone()
    };
    let name = LevelFacts::window_name(*concurrency);
    let windows = record.energy.iter().filter(|window| window.name != OWN_WINDOW);
    let named = |window: &EnergyWindow| {
        let is_levels = window.name == name;
        EnergyWindow { name: if is_levels { OWN_WINDOW.to_owned() } else { window.name.clone() }, ..window.clone() }
    };
    Ok(StageRecord { energy: windows.map(named).collect(), detail: Detail::Serve(facts), ..record.clone() })
}
