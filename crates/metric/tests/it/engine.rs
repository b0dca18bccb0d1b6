//! What a cell's engine says of itself, costs by its tokens, and what needs more memory than there is.

use metric::Campaign;
use plan::EnginePrice;
use record::{DoesNotFit, Outcome, Phase, StageRecord};
use serde_json::{Value, json};
use units::{Bytes, Nanos};

use crate::{
    figures::figure,
    records::{campaign, edit},
};

fn told(record: &mut StageRecord, facts: &Value) {
    record.phases = vec![Phase { phase: "engine".into(), at: Nanos(9), facts: facts.as_object().unwrap().clone() }];
}

fn view<T>(campaign: &Campaign, cell: usize, of: impl Fn(&metric::CellView<'_>) -> T) -> T {
    of(&campaign.views().nth(cell).unwrap())
}

#[test]
fn versions_and_flags_are_said_once_for_all_runs() {
    let mut campaign = campaign();
    let short =
        |some: u32| format!("{some} of 4 answers have fewer than the 6 tokens that were forced: the server does not honour ignore_eos");
    for (i, run) in campaign.cells[1].serve.iter_mut().enumerate() {
        let flags = if i == 0 { vec![] } else { vec![short(i as u32), "at 16 streams: 1 of 4 answers are odd".to_owned()] };
        edit(&mut run.stage, |record| told(record, &json!({"version": "0.24.0", "flags": flags})));
    }
    assert_eq!(view(&campaign, 1, metric::engine_version).as_deref(), Some("0.24.0"));
    let want = "3 of 8 answers have fewer than the 6 tokens that were forced: the server does not honour ignore_eos";
    assert_eq!(view(&campaign, 1, metric::flags), [want]);
    assert_eq!(view(&campaign, 0, metric::engine_version), None);
    assert!(view(&campaign, 0, metric::flags).is_empty());
}

fn fail(record: &mut StageRecord) {
    let cause = DoesNotFit { told: "Tried to allocate 2 GiB".into(), needed: Some(Bytes(2 << 30)) };
    record.outcome =
        Outcome::Failed { reason: "does not fit: Tried to allocate 2 GiB".into(), last_lines: Vec::new(), does_not_fit: Some(cause) };
}

fn too_large(campaign: &Campaign, cell: usize) -> Option<(&'static str, Option<Bytes>)> {
    let view = campaign.views().nth(cell).unwrap();
    metric::does_not_fit(&view).map(|(stage, cause)| (stage, cause.needed))
}

#[test]
fn a_cell_that_does_not_fit_says_so_wherever_it_failed() {
    let mut campaign = campaign();
    assert!(too_large(&campaign, 1).is_none());
    // One run of three is no result of the cell.
    edit(&mut campaign.cells[1].serve[0].stage, fail);
    assert!(too_large(&campaign, 1).is_none());
    for run in &mut campaign.cells[1].serve[1..] {
        edit(&mut run.stage, fail);
    }
    assert_eq!(too_large(&campaign, 1), Some(("serving run", Some(Bytes(2 << 30)))));
    let why = figure(&campaign, 1, "throughput_tok_s").estimate.unwrap_err();
    assert_eq!(why.0, "the serving run failed: does not fit: Tried to allocate 2 GiB; so did the other 2");
    // What is made of weights that could not be made has no result for the same reason.
    edit(&mut campaign.cells[2].adapt, fail);
    for run in &mut campaign.cells[2].serve {
        run.stage = metric::Stage::NotRun;
    }
    assert_eq!(too_large(&campaign, 2), Some(("adaptation", Some(Bytes(2 << 30)))));
    let why = figure(&campaign, 2, "ttft_ms").estimate.unwrap_err();
    assert_eq!(why.0, "the adaptation failed: does not fit: Tried to allocate 2 GiB");
}

/// 1 and 5 USD per million tokens: 100 in and 6 out cost 0.00013 USD; at the plan's API 0.00124.
fn hosted() -> Campaign {
    let mut campaign = campaign();
    let price = EnginePrice { input_usd_per_mtok: 1.0, output_usd_per_mtok: 5.0, source: "its page".into(), date: "2026-08-01".into() };
    campaign.plan.engines[0].price = Some(price);
    for cell in &mut campaign.cells {
        for run in &mut cell.serve {
            edit(&mut run.stage, |record| record.energy.clear());
        }
    }
    campaign
}

#[test]
fn a_hosted_engine_costs_its_tokens_and_no_energy() {
    let campaign = hosted();
    let cost = figure(&campaign, 1, "cost_per_request_usd");
    assert!((cost.estimate.unwrap().value - 0.000_13).abs() < 1e-12);
    assert_eq!((cost.notes, cost.source), (vec!["paid by its tokens, price of 2026-08-01 (its page)".to_owned()], None));
    // Making the weights took 110 kJ and 110 s: 0.0165 + 0.11 USD, over 0.00124 − 0.00013.
    let even = figure(&campaign, 1, "n_break");
    assert!((even.estimate.unwrap().value - 0.1265 / 0.001_11).abs() < 1e-6);
    assert!(even.notes.contains(&"paid by its tokens, price of 2026-08-01 (its page)".to_owned()), "{:?}", even.notes);
    assert!(figure(&campaign, 1, "energy_per_request_j").estimate.is_err());
    let reserved = figure(&campaign, 1, "cost_per_request_reserved_usd").estimate.unwrap_err();
    assert_eq!(reserved.0, "the engine is paid by its tokens, not by the hour");
}
