//! The five tables of a run of ours, from hand-made records: what is known is a number, the rest is a reason.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use metric::{Campaign, CellRecords, Stage};
use plan::{Cell, Known, Method, Plan, StageKind, Strategy};
use record::{AdaptFacts, Detail, EnergySource, EnergyWindow, ItemMark, Judgement, MemoryPeak, Outcome, QualityFacts, SCHEMA, StageRecord};
use reproduce::{Document, Format, of_campaign, render};
use units::{Bytes, Joules, Nanos, Reading, Seconds, Watts};

fn plan() -> Plan {
    let known = Known { tasks: vec!["rag"], engines: vec!["embedded"], meters: Vec::new(), marks: vec!["f1"] };
    plan::parse(plan::template(), Path::new("/plans"), &known).unwrap()
}

fn stage(kind: StageKind, seconds: f64, joules: f64, detail: Detail) -> Stage {
    let idle = Reading::Known(Watts(1.0));
    let judgement = Judgement { source: Some(EnergySource::Modelled), gross: Ok(Joules(joules)), idle, idle_resident: None };
    Stage::Recorded(Arc::new(StageRecord {
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
        energy: vec![EnergyWindow::judged("stage", Nanos(0), Nanos((seconds * 1e9) as u64), judgement)],
        memory: MemoryPeak { resident: Reading::Known(Bytes(1)), gpu: Reading::missing("no GPU") },
        artifact: None,
        detail,
    }))
}

fn adapted(method: &str, seconds: f64, joules: f64, tokens: u64) -> Stage {
    let facts = AdaptFacts {
        method: method.into(),
        steps: 10,
        tokens,
        loss_tokens: tokens,
        trainable_parameters: 1,
        first_loss: 2.0,
        last_loss: 1.0,
        base_bytes: Bytes(1),
        dtype: "f32".into(),
        rows: 8,
        max_length: 64,
        batch: 2,
        accumulation: 1,
        checkpointing: false,
    };
    stage(StageKind::Adapt, seconds, joules, Detail::Adapt(facts))
}

fn scored(marks: &[f64]) -> Stage {
    let mark = |(i, &mark): (usize, &f64)| ItemMark { id: i.to_string(), marks: BTreeMap::from([("f1".to_owned(), Reading::Known(mark))]) };
    let items = marks.iter().enumerate().map(mark).collect();
    let facts =
        QualityFacts { items, prompts_digest: String::new(), rendered_digest: Reading::missing("a test"), requests_file: String::new() };
    stage(StageKind::Quality, 1.0, 1.0, Detail::Quality(facts))
}

/// The template's cells: adapted and scored, none of them served. `QLoRA` takes 7.2 MJ where LoRA takes 3.6 MJ, for the same tokens.
fn campaign() -> Campaign {
    let plan = plan();
    let records = |cell: Cell| {
        let adapt = match cell.strategy.method() {
            Method::None => Stage::NotPlanned,
            Method::Lora => adapted("lora", 100.0, 3.6e6, 1000),
            Method::Qlora => adapted("qlora", 160.0, 7.2e6, 1000),
        };
        let quality = scored(if cell.strategy == Strategy::LoraInt4 { &[0.5, 0.5] } else { &[1.0, 0.25] });
        CellRecords {
            cell,
            adapt,
            merge: Stage::NotRun,
            quantise: Stage::NotRun,
            serve: Vec::new(),
            quality,
            passes: Vec::new(),
            rate: Vec::new(),
            perplexity: Stage::NotPlanned,
        }
    };
    let cells = plan.cells().into_iter().map(records).collect();
    Campaign { plan, cells }
}

fn value(document: &Document, table: &str, row: &str, column: &str) -> Result<f64, String> {
    let is_it = |cell: &&reproduce::Cell| cell.row.ends_with(row) && cell.column == column;
    let cell = document.tables[table].iter().find(is_it).unwrap_or_else(|| panic!("{row} {column}: {:?}", document.tables[table]));
    assert_eq!((cell.published, cell.agrees), (None, None));
    cell.recomputed.ok_or_else(|| cell.missing.clone().unwrap())
}

fn near(value: &Result<f64, String>, expected: f64) {
    assert!(value.as_ref().is_ok_and(|value| (value - expected).abs() < 1e-9), "{value:?} instead of {expected}");
}

#[test]
fn what_was_measured_is_in_the_tables() {
    let document = of_campaign(&campaign());
    assert_eq!(document.tables.keys().collect::<Vec<_>>(), ["1", "2", "3", "4", "5"]);
    near(&value(&document, "2", " LoRA", "Energy kWh"), 1.0);
    near(&value(&document, "2", " QLoRA", "Energy kWh"), 2.0);
    near(&value(&document, "2", " QLoRA", "Ratio"), 2.0);
    let row = &document.tables["5"][0].row.clone();
    near(&value(&document, "5", row, "FP16"), 0.625);
    near(&value(&document, "5", row, "INT4"), 0.5);
    near(&value(&document, "5", row, "Change"), -20.0);
    let row = &document.tables["4"][0].row.clone();
    near(&value(&document, "4", row, "Retention"), 80.0);
    assert_eq!(document.method, "measured");
    assert_eq!(document.notes, ["train_energy_j is modelled (CPU time times a stated power per core), not measured, in 4 of 4 cells"]);
}

#[test]
fn what_cannot_be_known_is_a_reason() {
    let document = of_campaign(&campaign());
    let row = &document.tables["1"][0].row.clone();
    assert_eq!(value(&document, "1", row, "rho_sys").unwrap_err(), "no serving run is planned");
    assert!(value(&document, "4", &document.tables["4"][0].row.clone(), "FP16 std").unwrap_err().contains("one scored pass"));
    let text = render(&document, Format::Text).unwrap();
    assert!(text.contains("- (1)") && text.contains("(1) no serving run is planned"), "{text}");
    assert!(!text.contains("as printed") && document.audit.is_empty() && document.unexplained.is_empty());
}

#[test]
fn adaptations_that_differ_in_the_method_alone_are_controlled() {
    let document = of_campaign(&campaign());
    let group = &document.qlora[0];
    assert_eq!((group.verdict.as_str(), group.pairs[0].per.as_deref()), ("controlled", Some("token")));
    let energy = group.energy.as_ref().unwrap();
    assert!((energy.value - 2.0).abs() < 1e-9 && energy.ci95.is_none());
    assert!((group.time.as_ref().unwrap().value - 1.6).abs() < 1e-9 && (group.power.as_ref().unwrap().value - 1.25).abs() < 1e-9);
}

#[test]
fn a_plan_with_lora_alone_has_no_qlora_question() {
    let mut campaign = campaign();
    campaign.cells.retain(|records| records.cell.strategy != Strategy::QloraInt4);
    let document = of_campaign(&campaign);
    assert_eq!(document.qlora[0].verdict, "missing");
    assert_eq!(document.qlora[0].pairs[0].because, "the plan has no cell with QLoRA");
    for format in [Format::Text, Format::Markdown, Format::Json] {
        assert!(render(&document, format).is_ok());
    }
}

#[test]
fn a_folder_that_is_no_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(reproduce::of_run(folder.path()).is_err());
    std::fs::write(folder.path().join("run.json"), "{").unwrap();
    assert!(reproduce::of_run(folder.path()).unwrap_err().to_string().contains("run.json"));
}
