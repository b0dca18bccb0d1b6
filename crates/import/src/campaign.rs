//! Measurements and what was given with them as a campaign of records, so that `metric` computes from them what it computes from our own.
//!
//! A summary has no rows. It is handed on as rows of equal shares of its tokens, without instants: what is linear in the totals
//! (throughput, energy and cost of a request, density) comes out as from the true rows, and what is not (latencies) is not asked for.
//! The plan around it is a shell: only its prices, its seed and the task's α are looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use metric::{Campaign, CellRecords, ServingRun, Stage};
use plan::{
    AdaptSpec, Cell, DataSpec, EngineSpec, LoadSpec, Lr, MeterSpec, ModelSource, ModelSpec, Plan, PriceSpec, QualitySpec, Rows, Schedule,
    StageKind, Strategy, TaskSpec,
};
use record::{
    Detail, EnergySource, EnergyWindow, ItemMark, Judgement, LoadFacts, MemoryPeak, Outcome, PageCache, QualityFacts, Request, SCHEMA,
    StageRecord,
};
use units::{Bytes, Joules, Nanos, Reading, Seconds, Watts};

use crate::{Given, Requests, Serving, TaskScore};

/// The name of everything in the shell.
const IMPORTED: &str = "imported";

/// A measurement and the energy that was given for it.
#[derive(Clone, Copy)]
pub(crate) struct Metered<'a> {
    pub(crate) serving: &'a Serving,
    pub(crate) energy: Option<Joules>,
}

/// One cell of these runs, and beside it the one it is compared with. `scores` are those of both, where there are any.
pub(crate) fn campaign(runs: &[Metered], given: &Given, score: Option<&TaskScore>, baseline: Option<&TaskScore>) -> Campaign {
    let strategy = if baseline.is_some() { Strategy::LoraInt4 } else { Strategy::BaseFp16 };
    let serve = runs.iter().map(|run| serving_run(run, given)).collect();
    let mut cells = vec![cell(strategy, serve, score)];
    cells.extend(baseline.map(|baseline| cell(Strategy::LoraFp16, Vec::new(), Some(baseline))));
    let mark = score.map_or(IMPORTED, |score| score.mark.as_str());
    Campaign { plan: plan(given, mark), cells }
}

fn cell(strategy: Strategy, serve: Vec<ServingRun>, score: Option<&TaskScore>) -> CellRecords {
    let word = || IMPORTED.to_owned();
    CellRecords {
        cell: Cell { family: word(), tier: word(), task: word(), strategy, engine: word() },
        adapt: Stage::NotPlanned,
        merge: Stage::NotPlanned,
        quantise: Stage::NotPlanned,
        serve,
        quality: score.map_or(Stage::NotPlanned, |score| Stage::Recorded(Arc::new(quality(score)))),
        passes: Vec::new(),
        rate: Vec::new(),
        perplexity: Stage::NotPlanned,
    }
}

fn serving_run(run: &Metered, given: &Given) -> ServingRun {
    let serving = run.serving;
    let requests = match &serving.requests {
        Requests::Rows(rows) => rows.clone(),
        Requests::Totals { answered, failed, input, output } => shares(*answered, failed.known().copied().unwrap_or(0), input, output),
    };
    let length = serving.window.known().copied().unwrap_or(Seconds(0.0));
    let window = (Nanos(0), instant(length));
    let cold_start = given.cold_start.unwrap_or(Seconds(0.0));
    let mut energy = Vec::new();
    energy.extend(run.energy.map(|joules| given_energy("speed", length, joules, given.idle)));
    energy.extend(given.cold_start_energy.map(|joules| given_energy("load", cold_start, joules, given.idle)));
    let facts = LoadFacts {
        concurrency: serving.concurrency.known().copied().unwrap_or(1),
        requests: u32::try_from(requests.len()).unwrap_or(u32::MAX),
        warmup: 0,
        forced_tokens: 0,
        window,
        page_cache: PageCache::Unknown,
        spawned: Nanos(0),
        ready: instant(cold_start),
        first_token: instant(cold_start),
        weights_disk: given.weights_disk.or(serving.weights.known().copied().ok()).unwrap_or(Bytes(0)),
        weights_memory: told(given.weights_memory),
        kv_memory: told(None),
        repeats: 1,
        prompts_repeat: false,
        prefix_cache_share: Reading::missing("the prefix cache was not looked at"),
        request_energy: Vec::new(),
        requests_file: String::new(),
        power_file: None,
        levels: Vec::new(),
    };
    let memory = MemoryPeak { resident: told(given.resident_memory), gpu: told(given.gpu_memory) };
    let record = StageRecord { energy, memory, duration: length, span: window, ..record(StageKind::Serve, Detail::Serve(facts)) };
    ServingRun { stage: Stage::Recorded(Arc::new(record)), requests, levels: BTreeMap::new() }
}

/// A summary as rows: tokens in equal shares, the remainder in the first ones. Their number was bounded when the file was read.
fn shares(answered: u64, failed: u64, input: &Reading<u64>, output: &Reading<u64>) -> Vec<Request> {
    let share = |total: &Reading<u64>, index: u64| {
        let total = *total.known().ok()?;
        u32::try_from(total / answered + u64::from(index < total % answered)).ok()
    };
    let row = |index: u64| Request {
        index: index as u32,
        prompt_tokens: share(input, index),
        completion_tokens: share(output, index),
        ..Request::default()
    };
    let lost = |index: u64| Request { index: (answered + index) as u32, failure: Some("failed".to_owned()), ..Request::default() };
    (0..answered).map(row).chain((0..failed).map(lost)).collect()
}

fn given_energy(name: &str, length: Seconds, joules: Joules, idle: Option<Watts>) -> EnergyWindow {
    let idle = idle.map_or_else(|| Reading::missing("no idle power is given"), Reading::Known);
    let judgement = Judgement { source: Some(EnergySource::External), gross: Ok(joules), idle, idle_resident: None };
    EnergyWindow::judged(name, Nanos(0), instant(length), judgement)
}

fn instant(length: Seconds) -> Nanos {
    Nanos((length.get() * 1e9).round() as u64)
}

fn told(bytes: Option<Bytes>) -> Reading<Bytes> {
    bytes.map_or_else(|| Reading::missing("not given"), Reading::Known)
}

/// A score as marks of items; a mean alone is one mark.
fn quality(score: &TaskScore) -> StageRecord {
    let mark = |id: &str, mark: f64| ItemMark { id: id.to_owned(), marks: BTreeMap::from([(score.mark.clone(), Reading::Known(mark))]) };
    let items = match &score.items[..] {
        [] => vec![mark("the mean of all items", score.value)],
        items => items.iter().map(|item| mark(&item.id, item.mark)).collect(),
    };
    let facts = QualityFacts {
        items,
        prompts_digest: String::new(),
        rendered_digest: Reading::missing("an import has no prompts"),
        requests_file: String::new(),
    };
    record(StageKind::Quality, Detail::Quality(facts))
}

fn record(kind: StageKind, detail: Detail) -> StageRecord {
    StageRecord {
        schema: SCHEMA.into(),
        key: IMPORTED.into(),
        kind,
        label: IMPORTED.into(),
        seed: 0,
        order: 0,
        command: Vec::new(),
        outcome: Outcome::Done,
        span: (Nanos(0), Nanos(0)),
        duration: Seconds(0.0),
        phases: Vec::new(),
        energy: Vec::new(),
        memory: MemoryPeak { resident: told(None), gpu: told(None) },
        artifact: None,
        detail,
    }
}

fn plan(given: &Given, mark: &str) -> Plan {
    let word = || IMPORTED.to_owned();
    Plan {
        name: word(),
        seed: 0,
        runs: 1,
        models: vec![ModelSpec { family: word(), tier: word(), source: ModelSource::Builtin }],
        tasks: vec![TaskSpec {
            name: word(),
            kind: word(),
            data: DataSpec::Apart { train: Rows::at(IMPORTED), eval: Rows::at(IMPORTED) },
            columns: BTreeMap::new(),
            bad_rows: 0,
            train_rows: 0,
            eval_rows: 0,
            primary: mark.to_owned(),
            marks: Vec::new(),
            max_tokens: 0,
            max_prompt_tokens: None,
            system: None,
            alpha: given.alpha,
        }],
        strategies: Strategy::ALL.to_vec(),
        engines: vec![EngineSpec::of(&word())],
        adapt: no_adaptation(),
        load: LoadSpec { concurrency: 1, sweep: Vec::new(), requests: 0, warmup: 0, output_tokens: 0, timeout_s: 0.0 },
        slo: None,
        quality: QualitySpec::default(),
        judge: None,
        nli: None,
        meter: MeterSpec { kind: word(), modelled_w_per_core: None, interval_ms: 0, idle_s: 0.0, csv: None },
        prices: prices(given),
    }
}

fn no_adaptation() -> AdaptSpec {
    AdaptSpec {
        rank: 0,
        alpha: 0.0,
        dropout: 0.0,
        target_modules: Vec::new(),
        lr: Lr { peak: 0.0, warmup_ratio: 0.0, schedule: Schedule::Constant },
        epochs: 0.0,
        steps: None,
        batch: 0,
        accumulation: 0,
        max_length: 0,
        checkpointing: false,
        packing: false,
        threads: None,
        weight_decay: 0.0,
        command: None,
    }
}

/// A price that was not given is no number, so that no figure can come of it.
fn prices(given: &Given) -> PriceSpec {
    let api = given.api.as_ref();
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    PriceSpec {
        api_name: text(api.map(|api| &api.name)),
        api_input_usd_per_mtok: api.map_or(f64::NAN, |api| api.input_usd_per_mtok),
        api_output_usd_per_mtok: api.map_or(f64::NAN, |api| api.output_usd_per_mtok),
        api_source: text(api.map(|api| &api.source)),
        api_date: text(api.map(|api| &api.date)),
        electricity_usd_per_kwh: given.electricity_usd_per_kwh.unwrap_or(f64::NAN),
        pue: given.pue,
        machine_usd_per_hour: given.machine_usd_per_hour,
        setup_usd: given.setup.map_or(f64::NAN, units::Dollars::get),
        grid_gco2e_per_kwh: given.grid_gco2e_per_kwh,
        owned: None,
        requests_per_month: None,
        utilisation: None,
        cited: BTreeMap::new(),
    }
}
