//! Records made by hand.

use std::{collections::BTreeMap, path::Path};

use plan::Known;
use record::{
    CompressFacts, Detail, EnergySource, EnergyWindow, Judgement, Machine, Manifest, MemoryPeak, Outcome, Phase, SCHEMA, StageKind,
    StageRecord,
};
use units::{Bytes, Joules, Nanos, Reading, Seconds, Watts};

pub(crate) fn manifest() -> Manifest {
    let known =
        Known { tasks: vec!["chat", "rag", "summarization"], engines: vec!["embedded"], meters: vec![], marks: vec!["f1", "rouge_l"] };
    Manifest {
        schema: SCHEMA.into(),
        started_wall_ns: 1_780_000_000_000_000_000,
        machine: Machine::fingerprint_at(Path::new("/nowhere"), 2, "0.1.0"),
        plan: plan::parse(plan::template(), Path::new("/plans"), &known).unwrap(),
        cells: Vec::new(),
        data: Vec::new(),
    }
}

pub(crate) fn record(kind: StageKind, key: &str) -> StageRecord {
    StageRecord {
        schema: SCHEMA.into(),
        key: key.into(),
        kind,
        label: "Tiny 3M · rag · lora-int4".into(),
        seed: 7,
        order: 3,
        command: vec!["edge-eval".into(), "compress".into()],
        outcome: Outcome::Done,
        span: (Nanos(1_000), Nanos(3_000_001_000)),
        duration: Seconds(3.0),
        phases: vec![Phase { phase: "read".into(), at: Nanos(2_000), facts: serde_json::Map::new() }],
        energy: vec![window()],
        memory: MemoryPeak { resident: Reading::Known(Bytes(1 << 20)), gpu: Reading::missing("no GPU") },
        artifact: None,
        detail: Detail::Compress(CompressFacts {
            format: "q4_k".into(),
            tensors: BTreeMap::from([("q4_k".into(), 9)]),
            fallbacks: BTreeMap::new(),
            weight_bytes: Bytes(123),
        }),
    }
}

pub(crate) fn failed(kind: StageKind, key: &str, reason: &str) -> StageRecord {
    let outcome = Outcome::Failed { reason: reason.into(), last_lines: vec!["killed".into()], does_not_fit: None };
    StageRecord { outcome, detail: Detail::Nothing, ..record(kind, key) }
}

fn window() -> EnergyWindow {
    let judgement =
        Judgement { source: Some(EnergySource::Modelled), gross: Ok(Joules(13.2)), idle: Reading::Known(Watts(0.1)), idle_resident: None };
    EnergyWindow {
        cpu_time: Reading::Known(Seconds(3.0)),
        samples: 30,
        coverage: Some(0.99),
        modelled_w_per_core: Some(4.4),
        ..EnergyWindow::judged("stage", Nanos(1_000), Nanos(3_000_001_000), judgement)
    }
}
