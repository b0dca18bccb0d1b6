//! Hand-made records: round numbers, so that every figure can be worked out on paper.

use std::{collections::BTreeMap, sync::Arc};

use metric::{Campaign, CellRecords, ServingRun, Stage};
use plan::{
    AdaptSpec, Cell, DataSpec, EngineSpec, LoadSpec, Lr, MeterSpec, ModelSource, ModelSpec, Plan, PriceSpec, QualitySpec, Rows, Schedule,
    Strategy, TaskSpec,
};
use record::{
    Detail, Divergence, EnergySource, EnergyWindow, ItemLikelihood, ItemMark, Judgement, Likelihood, LoadFacts, MemoryPeak, Outcome,
    PageCache, PerplexityFacts, QualityFacts, Request, SCHEMA, StageKind, StageRecord,
};
use units::{Bytes, Joules, Nanos, Reading, Seconds, Watts};

const SECOND: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;

/// Electricity at 0.36 USD/kWh (1e-7 USD/J) and PUE 1.5; the machine at 3.60 USD/h (0.001 USD/s); 10 and 40 USD per million tokens.
pub(crate) fn prices() -> PriceSpec {
    PriceSpec {
        api_name: "hosted".into(),
        api_input_usd_per_mtok: 10.0,
        api_output_usd_per_mtok: 40.0,
        api_source: "price page".into(),
        api_date: "2026-01-01".into(),
        electricity_usd_per_kwh: 0.36,
        pue: 1.5,
        machine_usd_per_hour: Some(3.6),
        setup_usd: 0.0,
        grid_gco2e_per_kwh: Some(360.0),
        owned: None,
        requests_per_month: None,
        utilisation: None,
        cited: BTreeMap::new(),
    }
}

fn plan() -> Plan {
    Plan {
        name: "test".into(),
        seed: 7,
        runs: 3,
        models: vec![ModelSpec { family: "LLaMA".into(), tier: "1B".into(), source: ModelSource::Builtin }],
        tasks: vec![TaskSpec {
            name: "rag".into(),
            kind: "rag".into(),
            data: DataSpec::Apart { train: Rows::builtin(), eval: Rows::builtin() },
            columns: BTreeMap::new(),
            bad_rows: 0,
            train_rows: 1,
            eval_rows: 4,
            primary: "f1".into(),
            marks: Vec::new(),
            max_tokens: 8,
            max_prompt_tokens: None,
            system: None,
            alpha: 2.0,
        }],
        strategies: Strategy::ALL.to_vec(),
        engines: vec![EngineSpec::of("embedded")],
        adapt: AdaptSpec {
            rank: 1,
            alpha: 1.0,
            dropout: 0.0,
            target_modules: Vec::new(),
            lr: Lr { peak: 1.0, warmup_ratio: 0.0, schedule: Schedule::Constant },
            epochs: 1.0,
            steps: None,
            batch: 1,
            accumulation: 1,
            max_length: 1,
            checkpointing: false,
            packing: false,
            threads: None,
            weight_decay: 0.0,
            command: None,
        },
        load: LoadSpec { concurrency: 1, sweep: Vec::new(), requests: 4, warmup: 0, output_tokens: 6, timeout_s: 1.0 },
        slo: None,
        quality: QualitySpec::default(),
        judge: None,
        nli: None,
        meter: MeterSpec { kind: "auto".into(), modelled_w_per_core: None, interval_ms: 100, idle_s: 1.0, csv: None },
        prices: prices(),
    }
}

/// A valid window of `seconds` from instant 0; net is three quarters of gross.
pub(crate) fn window(name: &str, seconds: f64, gross: f64) -> EnergyWindow {
    let idle = Reading::Known(Watts(gross / 4.0 / seconds));
    let judgement = Judgement { source: Some(EnergySource::NvmlCounter), gross: Ok(Joules(gross)), idle, idle_resident: None };
    EnergyWindow { samples: 10, coverage: Some(1.0), ..EnergyWindow::judged(name, Nanos(0), Nanos((seconds * 1e9) as u64), judgement) }
}

pub(crate) fn record(kind: StageKind, seconds: f64, energy: Vec<EnergyWindow>, detail: Detail) -> StageRecord {
    StageRecord {
        schema: SCHEMA.into(),
        key: "key".into(),
        kind,
        label: "label".into(),
        seed: 0,
        order: 0,
        command: Vec::new(),
        outcome: Outcome::Done,
        span: (Nanos(0), Nanos((seconds * 1e9) as u64)),
        duration: Seconds(seconds),
        phases: Vec::new(),
        energy,
        memory: MemoryPeak { resident: Reading::Known(Bytes(2_000_000_000)), gpu: Reading::missing("no GPU") },
        artifact: None,
        detail,
    }
}

pub(crate) fn recorded(record: StageRecord) -> Stage {
    Stage::Recorded(Arc::new(record))
}

/// Due and sent at once; 6 tokens, the first after 100 ms and one every 20 ms; the stream ends 10 ms after the last: 210 ms.
pub(crate) fn request(index: u32) -> Request {
    let due = Nanos(u64::from(index) * 250 * MS);
    let at = |ms: u64| Nanos(due.get() + ms * MS);
    let content_times: Vec<Nanos> = (0..6).map(|i| at(100 + 20 * i)).collect();
    Request {
        index,
        due,
        sent: due,
        headers: Some(at(50)),
        first_event: Some(at(60)),
        first_content: Some(at(100)),
        content_times,
        end: at(210),
        prompt_tokens: Some(100),
        completion_tokens: Some(6),
        status: Some(200),
        ..Request::default()
    }
}

/// A run of four such requests in a window of one second; cold start of 3 s and `load_j`.
pub(crate) fn serving(speed_j: f64, load_j: f64) -> ServingRun {
    let facts = LoadFacts {
        concurrency: 1,
        requests: 4,
        warmup: 0,
        forced_tokens: 6,
        window: (Nanos(0), Nanos(SECOND)),
        page_cache: PageCache::Cold,
        spawned: Nanos(SECOND),
        ready: Nanos(3 * SECOND),
        first_token: Nanos(4 * SECOND),
        weights_disk: Bytes(500_000_000),
        weights_memory: Reading::Known(Bytes(1_000_000_000)),
        kv_memory: Reading::missing("not told"),
        repeats: 1,
        prompts_repeat: false,
        prefix_cache_share: Reading::missing("the prefix cache was not looked at"),
        request_energy: Vec::new(),
        requests_file: "requests.parquet".into(),
        power_file: None,
        levels: Vec::new(),
    };
    let energy = vec![window("load", 3.0, load_j), window("speed", 1.0, speed_j)];
    let stage = recorded(record(StageKind::Serve, 10.0, energy, Detail::Serve(facts)));
    ServingRun { stage, requests: (0..4).map(request).collect(), levels: BTreeMap::new() }
}

/// A scored pass with these marks for items a, b, c, …
pub(crate) fn quality(marks: &[f64]) -> Stage {
    let items = ('a'..)
        .zip(marks)
        .map(|(id, mark)| ItemMark { id: id.to_string(), marks: BTreeMap::from([("f1".to_owned(), Reading::Known(*mark))]) });
    let facts = QualityFacts {
        items: items.collect(),
        prompts_digest: String::new(),
        rendered_digest: Reading::missing("a test"),
        requests_file: String::new(),
    };
    recorded(record(StageKind::Quality, 1.0, Vec::new(), Detail::Quality(facts)))
}

/// Two answers of one and of three tokens: 2 nats in full precision, 1 nat more and 0.4 nats apart where they are quantised.
fn perplexity(strategy: Strategy) -> Stage {
    let quantised = !matches!(strategy, Strategy::BaseFp16 | Strategy::LoraFp16);
    let item = |id: &str, tokens: u32| {
        let part = f64::from(tokens) / 4.0;
        let apart = Divergence {
            full_nll: 2.0 * part,
            kl: 0.4 * part,
            kl_max: 0.4 * part,
            same_top: 1,
            delta_p: -0.1,
            delta_p_squared: 0.04 * part,
        };
        let (nll, beside) = if quantised { (3.0 * part, Some(apart)) } else { (2.0 * part, None) };
        ItemLikelihood { id: id.into(), seen: Reading::Known(Likelihood { tokens, nll, beside }) }
    };
    let facts = PerplexityFacts {
        version: "v".into(),
        against: quantised.then(|| "key".to_owned()),
        weights_memory: Reading::Known(Bytes(1)),
        full_weights_memory: Reading::missing("alone"),
        items: Reading::Known(vec![item("a", 1), item("b", 3)]),
    };
    recorded(record(StageKind::Perplexity, 1.0, Vec::new(), Detail::Perplexity(facts)))
}

/// Serving energies of 400, 440 and 360 J, so 100, 110 and 90 J a request.
fn runs() -> Vec<ServingRun> {
    vec![serving(400.0, 50.0), serving(440.0, 60.0), serving(360.0, 40.0)]
}

fn cell(strategy: Strategy, quantised: bool, marks: &[f64]) -> CellRecords {
    let stage = |kind, seconds, joules| recorded(record(kind, seconds, vec![window("stage", seconds, joules)], Detail::Nothing));
    let adapted = strategy != Strategy::BaseFp16;
    CellRecords {
        cell: Cell { family: "LLaMA".into(), tier: "1B".into(), task: "rag".into(), strategy, engine: "embedded".into() },
        adapt: if adapted { stage(StageKind::Adapt, 100.0, 1e5) } else { Stage::NotPlanned },
        merge: if adapted { stage(StageKind::Merge, 10.0, 1e4) } else { Stage::NotPlanned },
        quantise: if quantised { stage(StageKind::Quantise, 10.0, 1e4) } else { Stage::NotPlanned },
        serve: runs(),
        quality: quality(marks),
        passes: Vec::new(),
        rate: Vec::new(),
        perplexity: perplexity(strategy),
    }
}

/// Cell 0 is base-fp16, 1 lora-fp16, 2 lora-int4, 3 qlora-int4.
pub(crate) fn campaign() -> Campaign {
    Campaign {
        plan: plan(),
        cells: vec![
            cell(Strategy::BaseFp16, false, &[0.25, 0.5, 0.0, 0.25]),
            cell(Strategy::LoraFp16, false, &[1.0, 0.5, 0.5, 1.0]),
            cell(Strategy::LoraInt4, true, &[1.0, 0.5, 0.0, 1.0]),
            cell(Strategy::QloraInt4, true, &[1.0, 0.25, 0.0, 1.0]),
        ],
    }
}

/// Changes the record of a stage.
pub(crate) fn edit(stage: &mut Stage, change: impl FnOnce(&mut StageRecord)) {
    let Stage::Recorded(record) = stage else { panic!("no record") };
    change(Arc::make_mut(record));
}
