//! A manifest and its records become a campaign.

use std::{cell::RefCell, convert::Infallible};

use metric::{Campaign, Stage};
use plan::Strategy;
use record::{CellEntry, Detail, Machine, Manifest, SCHEMA, StageKind, StageRecord};

use crate::records::{campaign, record, request, serving};

fn entry(strategy: Strategy, serve: &[&str]) -> CellEntry {
    let cell = plan::Cell { strategy, ..campaign().cells[0].cell.clone() };
    let serve = serve.iter().map(ToString::to_string).collect();
    CellEntry {
        cell,
        adapt: Some("adapt".into()),
        merge: None,
        quantise: Some("absent".into()),
        serve,
        quality: None,
        passes: Vec::new(),
        rate: Vec::new(),
        perplexity: None,
    }
}

fn manifest() -> Manifest {
    let machine = Machine {
        cpu: None,
        cores: 1,
        cpu_features: Vec::new(),
        memory: None,
        kernel: None,
        gpus: Vec::new(),
        gpu_driver: None,
        edge_eval: "0".into(),
        digest: "d".into(),
    };
    let cells = vec![entry(Strategy::LoraFp16, &["run 1", "absent"]), entry(Strategy::LoraInt4, &["run 2"])];
    Manifest { schema: SCHEMA.into(), started_wall_ns: 0, machine, plan: campaign().plan, cells, data: Vec::new() }
}

#[test]
fn every_key_is_asked_for_once_and_absent_records_have_not_run() {
    let asked = RefCell::new(Vec::new());
    let read = |key: &str| -> Result<Option<StageRecord>, Infallible> {
        asked.borrow_mut().push(key.to_owned());
        let Stage::Recorded(run) = serving(1.0, 1.0).stage else { panic!("no record") };
        let done = if key.starts_with("run") { (*run).clone() } else { record(StageKind::Adapt, 1.0, Vec::new(), Detail::Nothing) };
        Ok((key != "absent").then_some(done))
    };
    let joined = Campaign::join(&manifest(), read, |file| Ok(vec![request(0); file.len()])).unwrap();
    asked.borrow_mut().sort();
    assert_eq!(*asked.borrow(), ["absent", "adapt", "run 1", "run 2"]);
    let first = &joined.cells[0];
    assert!(matches!((&first.adapt, &first.merge, &first.quantise), (Stage::Recorded(_), Stage::NotPlanned, Stage::NotRun)));
    assert_eq!(first.serve.iter().map(|run| run.requests.len()).collect::<Vec<_>>(), ["requests.parquet".len(), 0]);
    assert_eq!(joined.views().count(), 2);
}

#[test]
fn an_unreadable_record_is_the_callers_error() {
    let failed = Campaign::join(&manifest(), |key| Err(format!("cannot read {key}")), |_| Ok(Vec::new()));
    assert_eq!(failed.unwrap_err(), "cannot read run 1");
}
