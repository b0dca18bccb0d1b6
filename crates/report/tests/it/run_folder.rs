//! From a run folder to a report: what has run is there, what has not is missing with its reason.

use std::path::Path;

use plan::{Known, StageKind, keys::Digests};
use record::{
    CellEntry, ClientCertificate, ClientLevel, Detail, Error as RecordError, LoadFacts, Machine, Manifest, MemoryPeak, OpenLevel, Outcome,
    PageCache, Request, RunFolder, SCHEMA, StageRecord,
};
use report::{Error, Format};
use units::{Bytes, Nanos, Reading, Seconds};

/// A manifest of the template plan: one model, one task, five strategies.
pub(crate) fn manifest() -> Manifest {
    let known = Known { tasks: vec!["rag"], engines: vec!["embedded"], meters: Vec::new(), marks: vec!["f1"] };
    let plan = plan::parse(plan::template(), Path::new("/plans"), &known).unwrap();
    let graph = plan.stages();
    let some = || vec![Some("digest".to_owned())];
    let digests = Digests { models: some(), train: some(), eval: some(), engines: vec!["1".into()], ..Digests::default() };
    let keys: Vec<String> = graph.keys(&plan, &digests).into_iter().map(Option::unwrap).collect();
    let key = |stage: usize| keys[stage].clone();
    let entry = |(cell, of): (&plan::Cell, &plan::CellStages)| CellEntry {
        cell: cell.clone(),
        adapt: of.adapt.map(key),
        merge: of.merge.map(key),
        quantise: of.quantise.map(key),
        serve: of.serve.iter().map(|&stage| key(stage)).collect(),
        quality: of.quality.first().copied().map(key),
        passes: Vec::new(),
        rate: Vec::new(),
        perplexity: of.perplexity.map(key),
    };
    let cells = graph.cells.iter().zip(&graph.of_cell).map(entry).collect();
    Manifest {
        schema: SCHEMA.into(),
        started_wall_ns: 1,
        machine: Machine::fingerprint_at(Path::new("/nowhere"), 2, "0.1.0"),
        plan,
        cells,
        data: Vec::new(),
    }
}

fn record(kind: StageKind, key: &str, outcome: Outcome, detail: Detail) -> StageRecord {
    StageRecord {
        schema: SCHEMA.into(),
        key: key.into(),
        kind,
        label: "Tiny 3M · rag".into(),
        seed: 1,
        order: 0,
        command: Vec::new(),
        outcome,
        span: (Nanos(0), Nanos(4_000_000_000)),
        duration: Seconds(4.0),
        phases: Vec::new(),
        energy: Vec::new(),
        memory: MemoryPeak { resident: Reading::Known(Bytes(500_000_000)), gpu: Reading::missing("no GPU") },
        artifact: None,
        detail,
    }
}

/// One served run of ten requests of 20 tokens each, in two seconds.
pub(crate) fn served(folder: &RunFolder, key: &str) -> StageRecord {
    let request = |i: u32| Request {
        index: i,
        due: Nanos(1_000_000_000),
        sent: Nanos(1_000_000_000),
        first_content: Some(Nanos(1_050_000_000)),
        content_times: (0..20).map(|t| Nanos(1_050_000_000 + t * 10_000_000)).collect(),
        end: Nanos(1_240_000_000),
        prompt_tokens: Some(30),
        completion_tokens: Some(20),
        status: Some(200),
        ..Request::default()
    };
    let requests_file = folder.write_requests(key, None, &(0..10).map(request).collect::<Vec<_>>()).unwrap();
    let facts = LoadFacts {
        concurrency: 1,
        requests: 10,
        warmup: 2,
        forced_tokens: 20,
        window: (Nanos(1_000_000_000), Nanos(3_000_000_000)),
        page_cache: PageCache::Cold,
        spawned: Nanos(0),
        ready: Nanos(500_000_000),
        first_token: Nanos(600_000_000),
        weights_disk: Bytes(100_000_000),
        weights_memory: Reading::Known(Bytes(100_000_000)),
        kv_memory: Reading::missing("not told"),
        repeats: 1,
        prompts_repeat: false,
        prefix_cache_share: Reading::missing("the prefix cache was not looked at"),
        request_energy: Vec::new(),
        requests_file,
        power_file: None,
        levels: Vec::new(),
    };
    record(StageKind::Serve, key, Outcome::Done, Detail::Serve(facts))
}

#[test]
fn what_ran_is_told_and_what_did_not_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = manifest();
    let folder = RunFolder::create(dir.path(), &manifest).unwrap();
    folder.put(&served(&folder, &manifest.cells[0].serve[0])).unwrap();
    let died = Outcome::Failed { reason: "killed by signal 9".into(), last_lines: vec!["out of memory".into()], does_not_fit: None };
    folder.put(&record(StageKind::Adapt, manifest.cells[1].adapt.as_ref().unwrap(), died.clone(), Detail::Nothing)).unwrap();
    folder.put(&record(StageKind::Adapt, "0123", died, Detail::Nothing)).unwrap();

    let document = report::read(dir.path()).unwrap();
    assert_eq!(document.cells.len(), 5);
    let base = &document.cells[0];
    assert_eq!((base.strategy.as_str(), base.mark.as_str()), ("base-fp16", "f1"));
    assert_eq!(base.metrics["throughput_tok_s"].value, Some(100.0));
    assert!(base.metrics["score"].missing.as_ref().unwrap().contains("has not run yet"));
    assert!(base.metrics["energy_per_request_j"].missing.is_some(), "no energy was metered");
    assert!(document.cells[1].metrics["train_energy_j"].missing.as_ref().unwrap().contains("killed by signal 9"));
    assert_eq!(document.failures.len(), 1, "the other failure is of no stage of this plan");
    assert_eq!(document.failures[0].last_lines, ["out of memory"]);
    for format in Format::ALL {
        let text = report::render(&document, *format).unwrap();
        assert!(text.contains("qlora-int4") && text.ends_with('\n'), "{}", format.name());
    }
}

/// The names that checks and readers of the JSON rely on.
#[test]
fn every_promised_figure_has_an_entry() {
    let dir = tempfile::tempdir().unwrap();
    RunFolder::create(dir.path(), &manifest()).unwrap();
    let document = report::read(dir.path()).unwrap();
    let promised = [
        "n_break",
        "ipw",
        "rho_sys",
        "c_tax",
        "q_ret",
        "score",
        "ttft_ms",
        "itl_ms",
        "throughput_tok_s",
        "energy_per_request_j",
        "train_energy_j",
        "load_energy_j",
        "peak_memory_bytes",
    ];
    for cell in &document.cells {
        for name in promised {
            let figure = cell.metrics.get(name).unwrap_or_else(|| panic!("no {name}"));
            assert!(figure.value.is_none() && figure.missing.is_some(), "nothing has run, so {name} is missing");
        }
    }
}

#[test]
fn no_run_folder_no_report() {
    let dir = tempfile::tempdir().unwrap();
    let error = report::read(dir.path()).unwrap_err();
    assert!(matches!(error, Error::Record(RecordError::NotARun { .. })));
    assert!(error.hint().is_some());
}

/// A certificate that proves nothing: its only level could not be run.
fn unproven(machine: &Machine) -> ClientCertificate {
    ClientCertificate {
        schema: SCHEMA.into(),
        machine: machine.clone(),
        made_wall_ns: 1,
        quick: true,
        server_threads: 2,
        levels: vec![ClientLevel { streams: 1, tries: 1, seen: Reading::missing("too few file descriptors") }],
        open: OpenLevel { rate_per_s: 1.0, seen: Reading::missing("not run") },
        ceiling: Reading::missing("not run"),
    }
}

#[test]
fn a_run_says_how_far_its_client_is_proven_and_marks_what_lies_beyond() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = manifest();
    let folder = RunFolder::create(dir.path(), &manifest).unwrap();
    folder.put(&served(&folder, &manifest.cells[0].serve[0])).unwrap();

    let without = report::read(dir.path()).unwrap();
    assert_eq!((without.client.summary.as_str(), &without.client.certificate), ("client not calibrated", &None));
    assert_eq!(without.cells[0].client_bound, None);

    folder.put_client(&unproven(&manifest.machine)).unwrap();
    let with = report::read(dir.path()).unwrap();
    assert!(with.client.summary.starts_with("client not proven, quickly calibrated: "), "{}", with.client.summary);
    let bound = with.cells[0].client_bound.as_ref().unwrap();
    assert!(bound.starts_with("client-bound: "), "{bound}");
    assert!(with.cells[0].metrics["throughput_tok_s"].notes.contains(bound));
    assert!(!with.cells[0].metrics["peak_memory_bytes"].notes.contains(bound));
    assert_eq!(with.cells[1].client_bound, None, "it has not run");
    for format in Format::ALL {
        assert!(report::render(&without, *format).unwrap().contains("client not calibrated"), "{}", format.name());
        let text = report::render(&with, *format).unwrap();
        assert!(text.contains("client not proven") && text.contains("client-bound: the load client"), "{}", format.name());
        assert_eq!(text, report::render(&report::read(dir.path()).unwrap(), *format).unwrap(), "the same again");
    }
}
