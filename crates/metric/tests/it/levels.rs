//! A cell at its other levels of concurrency: the same code on the level's own window.

use metric::{CellRecords, CellView, OF_A_WINDOW, find, window_figures};
use record::{Detail, LevelFacts, LevelWindow, Request};
use units::{Nanos, Reading};

use crate::records::{campaign, edit, request, window};

const SECOND: u64 = 1_000_000_000;

/// A level of four streams that gave eight such answers in a second, for so many joules.
fn add_level(records: &mut CellRecords, joules: f64) {
    for run in &mut records.serve {
        run.levels.insert(4, (0..8).map(|i| Request { index: i, ..request(i % 4) }).collect());
        edit(&mut run.stage, |record| {
            record.energy.push(window("speed.c4", 1.0, joules));
            let Detail::Serve(facts) = &mut record.detail else { panic!("no serving run") };
            let seen = LevelWindow {
                requests: 8,
                warmup: 4,
                window: (Nanos(0), Nanos(SECOND)),
                repeats: 1,
                prompts_repeat: true,
                request_energy: Vec::new(),
                prefix_cache_share: Reading::Known(0.5),
                requests_file: "requests.c4.parquet".into(),
            };
            facts.levels.push(LevelFacts { concurrency: 4, seen: Reading::Known(seen) });
        });
    }
}

fn swept() -> metric::Campaign {
    let mut campaign = campaign();
    campaign.plan.load.sweep = vec![16, 4];
    add_level(&mut campaign.cells[0], 480.0);
    campaign
}

fn value(campaign: &metric::Campaign, records: &CellRecords, name: &str) -> Result<f64, String> {
    let figure = find(name).unwrap().of(&CellView { campaign, records });
    figure.estimate.map(|estimate| estimate.value).map_err(|why| why.0)
}

#[test]
fn a_levels_goodput_is_that_of_its_window() {
    let mut campaign = swept();
    campaign.plan.slo = Some(plan::SloSpec { ttft_ms: Some(100.0), ..plan::SloSpec::default() });
    let at = campaign.views().next().unwrap().at_level(4);
    let of = |name| value(&campaign, &at, name).unwrap();
    // 8 answers in a second for 480 J.
    assert_eq!((of("goodput_rps"), of("power_w")), (8.0, 480.0));
    assert!((of("goodput_per_watt") - 8.0 / 480.0).abs() < 1e-12 && (of("goodput_tokens_per_joule") - 0.1).abs() < 1e-12);
}

#[test]
fn a_levels_figures_are_those_of_its_window() {
    let campaign = swept();
    let view = campaign.views().next().unwrap();
    assert_eq!(view.levels(), [1, 4, 16]);
    let at = view.at_level(4);
    let of = |name| value(&campaign, &at, name).unwrap();
    // 8 answers of 6 tokens in a second for 480 J; the process took 2 GB.
    assert_eq!((of("throughput_tok_s"), of("throughput_per_stream_tok_s")), (48.0, 12.0));
    assert_eq!((of("energy_per_token_j"), of("energy_per_request_j")), (10.0, 60.0));
    assert!((of("rho_sys") - 24.0).abs() < 1e-9);
    // Cold starts of 50, 60 and 40 J.
    assert!((of("c_tax") - 50.0 / 60.0).abs() < 1e-9);
    assert!((of("ttft_ms") - 100.0).abs() < 1e-9);
    let told = find("energy_per_request_j").unwrap().of(&CellView { campaign: &campaign, records: &at });
    assert!(told.notes.iter().any(|note| note.starts_with("4 requests were served at once")), "{:?}", told.notes);
    let density = find("rho_sys").unwrap().of(&CellView { campaign: &campaign, records: &at });
    assert!(density.notes.iter().any(|note| note.ends_with("which held up to 16 streams")), "{:?}", density.notes);
    assert!(metric::prefix_cached(&CellView { campaign: &campaign, records: &at }).is_some());
}

#[test]
fn the_own_level_is_the_cell_itself() {
    let campaign = swept();
    let view = campaign.views().next().unwrap();
    let at = view.at_level(1);
    let own = CellView { campaign: &campaign, records: &at };
    for ((metric, cells), (_, levels)) in window_figures(&view).into_iter().zip(window_figures(&own)) {
        assert_eq!(cells, levels, "{}", metric.name);
    }
}

#[test]
fn a_level_without_a_window_is_missing_with_its_reason_in_that_run_alone() {
    let mut campaign = swept();
    edit(&mut campaign.cells[0].serve[1].stage, |record| {
        let Detail::Serve(facts) = &mut record.detail else { panic!("no serving run") };
        facts.levels[0].seen = Reading::missing("the server died: does not fit");
    });
    let view = campaign.views().next().unwrap();
    let at = view.at_level(4);
    let figure = find("throughput_tok_s").unwrap().of(&CellView { campaign: &campaign, records: &at });
    assert_eq!(figure.estimate.unwrap().n, 2);
    assert_eq!(figure.notes, ["run 2 is left out: at 4 streams the server died: does not fit"]);
    let unseen = value(&campaign, &view.at_level(16), "throughput_tok_s").unwrap_err();
    assert!(unseen.starts_with("run 1 is left out: it was not measured at 16 streams"), "{unseen}");
    assert_eq!(value(&campaign, view.records, "throughput_tok_s"), Ok(24.0), "the cell's own figure stands");
}

#[test]
fn a_plan_of_one_level_has_none() {
    assert!(campaign().views().all(|view| view.levels().is_empty()));
}

#[test]
fn what_is_of_a_window_is_a_metric_and_what_the_client_measures_is_of_a_window() {
    assert!(OF_A_WINDOW.iter().all(|name| find(name).is_some()));
    assert!(metric::CLIENT_MEASURED.iter().all(|name| OF_A_WINDOW.contains(name)));
    assert!(OF_A_WINDOW.is_sorted());
}
