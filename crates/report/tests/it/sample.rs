//! Figures made by hand: a base model, an adaptation and its INT4, of which some figures are missing.

use std::{collections::BTreeMap, path::Path};

use record::Machine;
use report::{Better, CellFigures, Client, Definition, Document, Failure, Figure, SCHEMA};
use stats::{Estimate, Method};

pub(crate) fn document() -> Document {
    let mut machine = Machine::fingerprint_at(Path::new("/nowhere"), 2, "0.1.0");
    machine.cpu = Some("A processor".into());
    Document {
        schema: SCHEMA.into(),
        run: "quickstart".into(),
        method: "measured".into(),
        started_wall_ns: 1_780_000_000_000_000_000,
        machine,
        client: Client::of(None),
        definitions: vec![
            definition("score", "0..1", Better::Higher, "mean primary mark over the held-out items"),
            definition("n_break", "requests", Better::Lower, "(C_train + C_setup) / (C_api - C_infer)"),
            definition("ipw", "1/J", Better::Higher, "score x alpha / E_req"),
            definition("rho_sys", "tok/s/GB", Better::Higher, "throughput / memory"),
            definition("c_tax", "requests", Better::Lower, "E_load / E_req"),
            definition("q_ret", "%", Better::Higher, "score INT4 / score FP16"),
            definition("score_base", "0..1", Better::Higher, "score of base-fp16"),
            definition("tpot_ms", "ms", Better::Lower, "time per output token"),
            definition("ttft_ms", "ms", Better::Lower, "from the due time to the first token"),
            definition("peak_memory_bytes", "B", Better::Lower, "of the process group"),
        ],
        cells: cells(),
        levels: Vec::new(),
        crossings: Vec::new(),
        warnings: Vec::new(),
        prices: Vec::new(),
        economics: Vec::new(),
        methods: Vec::new(),
        statements: Vec::new(),
        failures: Vec::new(),
    }
}

fn cells() -> Vec<CellFigures> {
    let base = [
        ("score", figure(0.12, (0.08, 0.17), 60)),
        ("n_break", Figure::missing("the base model is not adapted", "requests")),
        ("ipw", modelled(figure(0.031, (0.03, 0.033), 3))),
        ("rho_sys", figure(25_000.0, (24_000.0, 26_100.0), 3)),
        ("c_tax", modelled(figure(2.4, (2.2, 2.6), 3))),
        ("q_ret", Figure::missing("FP16 is the reference", "%")),
        ("ttft_ms", figure(5.1, (4.9, 5.4), 60)),
        ("peak_memory_bytes", Figure { unit: "B".into(), ..figure(91_000_000.0, (9e7, 9.2e7), 3) }),
    ];
    let lora = [
        ("score", noted(figure(0.624, (0.55, 0.69), 60), "mark: f1")),
        ("score_base", figure(0.12, (0.08, 0.17), 60)),
        ("tpot_ms", figure(1.9, (1.8, 2.0), 3)),
        ("n_break", modelled(figure(1_412.0, (1_201.0, 1_688.0), 3))),
        ("ipw", modelled(figure(0.161, (0.15, 0.17), 3))),
        ("rho_sys", figure(25_100.0, (24_000.0, 26_300.0), 3)),
        ("c_tax", modelled(Figure { ci95: None, n: Some(1), method: Some(Method::None), ..figure(2.5, (0.0, 0.0), 1) })),
        ("q_ret", Figure::missing("FP16 is the reference", "%")),
        ("ttft_ms", figure(5.0, (4.8, 5.3), 60)),
        ("peak_memory_bytes", Figure { unit: "B".into(), ..figure(92_000_000.0, (9.1e7, 9.3e7), 3) }),
    ];
    let int4 = [
        ("score", figure(0.598, (0.52, 0.67), 60)),
        ("score_base", figure(0.12, (0.08, 0.17), 60)),
        ("n_break", Figure::missing("never: a request costs 0.002 USD here and 0.001 USD at the API", "requests")),
        ("ipw", modelled(figure(0.2, (0.18, 0.22), 3))),
        ("rho_sys", noted(figure(80_200.0, (79_000.0, 81_000.0), 3), "run 2 is left out: it failed")),
        ("c_tax", Figure::missing("the window `load` is too short", "requests")),
        ("q_ret", noted(figure(95.8, (90.1, 101.2), 60), "inconclusive against the 99% gate")),
        ("ttft_ms", figure(3.2, (3.0, 3.5), 60)),
        ("peak_memory_bytes", Figure::missing("the process ended before it was sampled", "B")),
    ];
    vec![
        cell("base-fp16", "rag", base),
        cell("lora-fp16", "rag", lora.clone()),
        cell("lora-int4", "rag", int4),
        cell("lora-fp16", "chat", lora),
    ]
}

pub(crate) fn failure() -> Failure {
    let last_lines = vec!["loading\u{1b}[31m".into(), "<b>memory</b> allocation of 9 | bytes failed".into()];
    Failure { label: "Tiny 3M · rag · qlora".into(), reason: "killed by signal 9".into(), last_lines }
}

fn definition(name: &str, unit: &str, better: Better, definition: &str) -> Definition {
    Definition { name: name.into(), unit: unit.into(), better, definition: definition.into(), source: "the paper".into() }
}

fn cell<const N: usize>(strategy: &str, task: &str, metrics: [(&str, Figure); N]) -> CellFigures {
    CellFigures {
        family: "Tiny".into(),
        tier: "3M".into(),
        task: task.into(),
        strategy: strategy.into(),
        engine: "embedded".into(),
        engine_version: None,
        flags: Vec::new(),
        does_not_fit: None,
        client_bound: None,
        concurrency: Some(1),
        mark: if task == "rag" { "f1".into() } else { "rouge_l".into() },
        metrics: BTreeMap::from(metrics.map(|(name, figure)| (name.to_owned(), figure))),
    }
}

fn figure(value: f64, ci95: (f64, f64), n: usize) -> Figure {
    Figure::known(&Estimate { value, ci95: Some(ci95), n, method: Method::T }, "")
}

fn modelled(figure: Figure) -> Figure {
    Figure { source: Some("modelled".into()), ..noted(figure, "energy is modelled, not metered: CPU time x 4.4 W per core") }
}

fn noted(mut figure: Figure, note: &str) -> Figure {
    figure.notes.push(note.into());
    figure
}
