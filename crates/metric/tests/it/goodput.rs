//! Goodput within the plan's limits, over time and energy, on hand-made records: four requests of 6 tokens in a second, the first token after
//! 100 ms, 20 ms between tokens, 22 ms a token after the first, 210 ms in all; 400, 440 and 360 J.

use metric::Campaign;
use plan::SloSpec;

use crate::{figures::figure, records::campaign};

fn limited(slo: SloSpec) -> Campaign {
    let mut campaign = campaign();
    campaign.plan.slo = Some(slo);
    campaign
}

#[track_caller]
fn check(campaign: &Campaign, name: &str, want: f64) -> metric::Figure {
    let figure = figure(campaign, 2, name);
    let value = figure.estimate.as_ref().unwrap_or_else(|why| panic!("{name}: {why}")).value;
    assert!((value - want).abs() <= 1e-9 * want.abs(), "{name} is {value}, not {want}");
    figure
}

#[test]
fn all_within() {
    let slo = SloSpec { ttft_ms: Some(100.0), tpot_ms: Some(22.0), itl_ms: Some(20.0), e2e_ms: Some(210.0) };
    let campaign = limited(slo);
    let rate = check(&campaign, "goodput_rps", 4.0);
    assert!(rate.notes.contains(&"12 of 12 requests within TTFT ≤ 100 ms, ITL ≤ 20 ms, TPOT ≤ 22 ms, E2E ≤ 210 ms".to_owned()), "{rate:?}");
    let requests = 4.0 / 400.0 + 4.0 / 440.0 + 4.0 / 360.0;
    let figure = check(&campaign, "goodput_per_watt", requests / 3.0);
    assert!(figure.source.is_some() && figure.estimate.unwrap().n == 3);
    check(&campaign, "goodput_tokens_per_joule", 6.0 * requests / 3.0);
}

#[test]
fn one_limit_that_none_keeps_to_is_no_goodput_and_no_missing_figure() {
    let campaign = limited(SloSpec { tpot_ms: Some(21.9), ttft_ms: Some(1000.0), ..SloSpec::default() });
    check(&campaign, "goodput_rps", 0.0);
    check(&campaign, "goodput_per_watt", 0.0);
}

#[test]
fn failed_and_late_requests_are_not_within() {
    let mut campaign = limited(SloSpec { e2e_ms: Some(300.0), ..SloSpec::default() });
    for run in &mut campaign.cells[2].serve {
        run.requests[0].failure = Some("timeout".into());
        // Due 100 ms before it was sent: the wait counts.
        run.requests[1].due = units::Nanos(run.requests[1].due.get() - 100_000_000);
    }
    // 310 ms in all.
    let figure = check(&campaign, "goodput_rps", 2.0);
    assert!(figure.notes.iter().any(|note| note == "6 of 12 requests within E2E ≤ 300 ms"), "{:?}", figure.notes);
}

#[test]
fn without_limits_it_is_missing_with_the_keys_to_set() {
    for name in ["goodput_rps", "goodput_per_watt", "goodput_tokens_per_joule"] {
        let why = figure(&campaign(), 2, name).estimate.unwrap_err();
        assert!(why.to_string().contains("set slo.ttft_ms"), "{name}: {why}");
    }
}

#[test]
fn an_answer_whose_limited_figure_is_not_told_makes_it_unknown() {
    let mut campaign = limited(SloSpec { tpot_ms: Some(30.0), ..SloSpec::default() });
    for run in &mut campaign.cells[2].serve {
        run.requests[3].completion_tokens = None;
    }
    let why = figure(&campaign, 2, "goodput_rps").estimate.unwrap_err();
    assert!(why.to_string().contains("TPOT ≤ 30 ms"), "{why}");
}

#[test]
fn power_is_energy_over_time() {
    check(&campaign(), "power_w", 400.0);
}
