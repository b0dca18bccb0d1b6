//! Values and intervals of figures that can be known.

use metric::{Campaign, Figure, fidelity, find};
use proptest::prelude::*;
use record::EnergySource;
use stats::Method;
use units::{Bytes, Joules, Nanos, Reading};

use crate::records::{campaign, edit, request};

pub(crate) fn figure(campaign: &Campaign, cell: usize, name: &str) -> Figure {
    find(name).unwrap().of(&campaign.views().nth(cell).unwrap())
}

#[track_caller]
fn check(cell: usize, name: &str, want: f64) -> Figure {
    let figure = figure(&campaign(), cell, name);
    let value = figure.estimate.as_ref().unwrap_or_else(|why| panic!("{name}: {why}")).value;
    assert!((value - want).abs() <= 1e-9 * want.abs().max(1e-9), "{name} is {value}, not {want}");
    figure
}

#[test]
fn energy_of_a_request_over_three_runs() {
    // 100, 110, 90 J: mean 100, sd 10; half = t(2) · 10 / √3 = 4.302653 · 5.773503 = 24.84138.
    let figure = check(2, "energy_per_request_j", 100.0);
    let estimate = figure.estimate.unwrap();
    let (low, high) = estimate.ci95.unwrap();
    assert!((low - 75.158_62).abs() < 1e-4 && (high - 124.841_38).abs() < 1e-4);
    assert_eq!((estimate.n, estimate.method), (3, Method::T));
    assert_eq!((figure.source, figure.notes), (Some(EnergySource::NvmlCounter), Vec::new()));
}

#[test]
fn energies() {
    check(2, "energy_per_request_net_j", 75.0);
    // 24 tokens a run.
    check(2, "energy_per_token_j", 400.0 / 24.0);
    check(2, "energy_per_token_net_j", 300.0 / 24.0);
    check(2, "load_energy_j", 50.0);
    check(2, "load_energy_net_j", 37.5);
    check(2, "train_energy_j", 1e5);
    check(2, "train_energy_net_j", 0.75e5);
    check(2, "compress_energy_j", 2e4);
    check(1, "compress_energy_j", 1e4);
}

#[test]
fn latencies_and_rates() {
    check(2, "ttft_ms", 100.0);
    check(2, "ttft_sent_ms", 100.0);
    check(2, "itl_ms", 20.0);
    // (210 − 100) / 5.
    check(2, "tpot_ms", 22.0);
    check(2, "e2e_ms", 210.0);
    check(2, "throughput_tok_s", 24.0);
    check(2, "load_time_s", 3.0);
    check(2, "train_time_s", 100.0);
    check(2, "requests_failed", 0.0);
}

#[test]
fn memory_and_density() {
    check(2, "peak_memory_bytes", 2e9);
    check(2, "train_peak_memory_bytes", 2e9);
    // The same in all runs: exact, without an interval.
    let weights = check(2, "weights_bytes", 5e8).estimate.unwrap();
    assert_eq!((weights.ci95, weights.method, weights.n), (None, Method::None, 3));
    // 24 tokens/s over 2, 0.5 and 1 GB.
    assert_eq!(check(2, "rho_sys", 12.0).notes, ["over peak resident memory"]);
    check(2, "rho_sys_disk", 48.0);
    check(2, "rho_sys_weights", 24.0);
}

#[test]
fn gpu_memory_is_told_where_there_is_any() {
    let mut campaign = campaign();
    for run in &mut campaign.cells[2].serve {
        edit(&mut run.stage, |record| record.memory.gpu = Reading::Known(Bytes(4_000_000_000)));
    }
    let rho = figure(&campaign, 2, "rho_sys");
    assert!((rho.estimate.unwrap().value - 6.0).abs() < 1e-9);
    assert_eq!(rho.notes, ["over peak GPU memory"]);
}

#[test]
fn the_cold_start_tax() {
    // Mean load 50 J over mean request 100 J; the runs' own ratios are 0.5, 0.5455, 0.4444.
    let figure = check(2, "c_tax", 0.5);
    let estimate = figure.estimate.unwrap();
    let (low, high) = estimate.ci95.unwrap();
    assert_eq!((estimate.n, estimate.method), (3, Method::JackknifeT));
    assert!(0.3 < low && low < 0.5 && 0.5 < high && high < 0.8, "{low} {high}");
    assert_eq!(figure.notes, ["page cache: cold"]);
}

#[test]
fn intelligence_per_watt() {
    // Mean mark 0.625 · α 2 / 100 J.
    let figure = check(2, "ipw", 0.0125);
    assert_eq!(figure.notes, ["score (f1) · α / J, α = 2"]);
}

#[test]
fn money() {
    // Energy 100 J · 1.5e-7 = 1.5e-5; machine 0.25 s · 0.001 = 2.5e-4.
    check(2, "cost_per_request_usd", 0.000_265);
    // 3.60 USD over 4 requests a second = 14,400 an hour.
    check(2, "cost_per_request_reserved_usd", 0.000_25);
    // 100 J / 3.6 MJ · 1.5 · 360 g.
    check(2, "carbon_per_request_g", 0.015);
}

#[test]
fn break_even() {
    // C_train: 1.2e5 J · 1.5e-7 = 0.018, 120 s · 0.001 = 0.12. C_api: 100 · 1e-5 + 6 · 4e-5 = 0.00124.
    // 0.138 / (0.00124 − 0.000265) = 141.538…
    let figure = check(2, "n_break", 0.138 / 0.000_975);
    assert!(figure.notes.contains(&"C_setup is 0 in the plan: a lower bound".to_owned()));
    assert!(figure.notes.contains(&"against hosted, price of 2026-01-01 (price page)".to_owned()));
    let (low, high) = figure.estimate.unwrap().ci95.unwrap();
    assert!(low < 141.0 && high > 142.0);
    // lora-fp16 has no quantisation: 1.1e5 J · 1.5e-7 + 110 s · 0.001 = 0.1265.
    check(1, "n_break", 0.1265 / 0.000_975);
}

#[test]
fn setup_and_energy_alone() {
    let mut campaign = campaign();
    campaign.plan.prices.setup_usd = 1.0;
    campaign.plan.prices.machine_usd_per_hour = None;
    let figure = figure(&campaign, 2, "n_break");
    // (0.018 + 1) / (0.00124 − 0.000015).
    assert!((figure.estimate.unwrap().value - 1.018 / 0.001_225).abs() < 1e-6);
    assert!(figure.notes.contains(&"energy alone: the plan gives the machine's time no price".to_owned()));
    assert!(!figure.notes.iter().any(|note| note.contains("lower bound")));
}

#[test]
fn scores() {
    check(2, "score", 0.625);
    check(2, "score_base", 0.25);
}

#[test]
fn quantisation_fidelity() {
    // 2.5 of 3.0.
    let figure = check(2, "q_ret", 250.0 / 3.0);
    assert_eq!(figure.estimate.unwrap().n, 4);
    assert!(figure.notes.iter().any(|note| note.starts_with("99% gate: inconclusive")), "{:?}", figure.notes);
    let cross = check(3, "q_ret", 225.0 / 3.0);
    assert!(cross.notes.iter().any(|note| note.starts_with("cross-method")));
    let campaign = campaign();
    let view = campaign.views().nth(3).unwrap();
    assert!(fidelity(&view).unwrap().cross_method);
}

#[test]
fn several_tokens_in_one_event() {
    let mut campaign = campaign();
    for run in &mut campaign.cells[2].serve {
        for request in &mut run.requests {
            // 11 tokens in 6 events over the same 100 ms: ten gaps of 10 ms.
            request.completion_tokens = Some(11);
        }
    }
    assert!((figure(&campaign, 2, "itl_ms").estimate.unwrap().value - 10.0).abs() < 1e-9);
}

#[test]
fn queueing_counts_from_the_due_time() {
    let mut campaign = campaign();
    for run in &mut campaign.cells[2].serve {
        for request in &mut run.requests {
            request.due = Nanos(0);
        }
    }
    // Sent at 0, 250, 500, 750 ms: first content at 100 to 850 ms after the due time, median 475.
    assert!((figure(&campaign, 2, "ttft_ms").estimate.unwrap().value - 475.0).abs() < 1e-9);
    assert!((figure(&campaign, 2, "ttft_sent_ms").estimate.unwrap().value - 100.0).abs() < 1e-9);
}

#[test]
fn one_run_has_the_interval_of_its_requests() {
    let mut campaign = campaign();
    campaign.cells[2].serve.truncate(1);
    campaign.cells[2].serve[0].requests = (0..8).map(request).collect();
    let ttft = figure(&campaign, 2, "ttft_ms");
    let estimate = ttft.estimate.unwrap();
    assert_eq!((estimate.n, estimate.method, estimate.ci95), (8, Method::OrderStatistics, Some((100.0, 100.0))));
    assert_eq!(ttft.notes, ["one run: the interval is that of the requests within it"]);
    assert_eq!(figure(&campaign, 2, "energy_per_request_j").estimate.unwrap().ci95, None);
}

/// Gives a run its requests' own energies.
fn own(campaign: &mut Campaign, run: usize, energies: &[Reading<Joules>]) {
    edit(&mut campaign.cells[2].serve[run].stage, |record| {
        let record::Detail::Serve(facts) = &mut record.detail else { panic!("serves") };
        facts.request_energy = energies.to_vec();
    });
}

#[test]
fn one_at_a_time_a_requests_energy_is_that_of_its_own_window() {
    let mut campaign = campaign();
    let known = |joules| Reading::Known(Joules(joules));
    for run in 0..3 {
        own(&mut campaign, run, &[known(10.0), known(20.0), known(30.0), known(40.0)]);
    }
    let gross = figure(&campaign, 2, "energy_per_request_j");
    assert!((gross.estimate.unwrap().value - 25.0).abs() < 1e-9);
    assert_eq!(gross.notes, ["the energy of a request is that of its own window"]);
    // Idle power is 100, 110 and 90 W; a request lasts 210 ms.
    let net = figure(&campaign, 2, "energy_per_request_net_j").estimate.unwrap().value;
    assert!((net - (25.0 - 0.21 * 100.0)).abs() < 1e-9, "{net}");
    // One window that cannot be believed: the run goes back to equal shares.
    own(&mut campaign, 0, &[known(10.0), known(20.0), Reading::missing("too short"), known(40.0)]);
    let mixed = figure(&campaign, 2, "energy_per_request_j");
    assert!((mixed.estimate.unwrap().value - (100.0 + 25.0 + 25.0) / 3.0).abs() < 1e-9);
    assert!(mixed.notes[0].contains("in 2 of 3 runs"), "{:?}", mixed.notes);
}

#[test]
fn a_failed_requests_energy_is_borne_by_the_others_also_with_own_windows() {
    let mut campaign = campaign();
    let known = |joules| Reading::Known(Joules(joules));
    own(&mut campaign, 0, &[known(10.0), known(20.0), known(30.0), known(40.0)]);
    campaign.cells[2].serve[0].requests[1].failure = Some("timeout".into());
    campaign.cells[2].serve.truncate(1);
    let value = figure(&campaign, 2, "energy_per_request_j").estimate.unwrap().value;
    assert!((value - 400.0 / 3.0).abs() < 1e-9, "{value}");
}

#[test]
fn what_a_meter_says_of_its_windows_stands_beside_the_figure() {
    let mut campaign = campaign();
    for run in 0..2 {
        edit(&mut campaign.cells[2].serve[run].stage, |record| {
            let window = record.energy.iter_mut().find(|window| window.name == "speed").unwrap();
            window.notes = vec!["an external meter: the whole machine".into()];
            window.short = run == 1;
        });
    }
    let notes = figure(&campaign, 2, "energy_per_request_j").notes;
    assert_eq!(notes[0], "an external meter: the whole machine");
    assert_eq!(notes[1], "the energy window is short (2 to 5 s) in run 2: such windows do not repeat within a percent");
}

#[test]
fn several_at_once_are_an_allocation() {
    let mut campaign = campaign();
    edit(&mut campaign.cells[2].serve[0].stage, |record| {
        let record::Detail::Serve(facts) = &mut record.detail else { panic!("serves") };
        facts.concurrency = 4;
    });
    let notes = figure(&campaign, 2, "energy_per_request_j").notes;
    assert_eq!(notes, ["4 requests were served at once: the energy of one is an allocation by its share of the tokens"]);
}

#[test]
fn a_window_wider_than_the_requests_is_brought_to_their_time() {
    let mut campaign = campaign();
    campaign.cells[2].serve.truncate(1);
    // 500 J over 1.25 s around the 1 s of the requests: 400 J of it are theirs.
    edit(&mut campaign.cells[2].serve[0].stage, |record| record.energy[1] = crate::records::window("speed", 1.25, 500.0));
    assert!((figure(&campaign, 2, "energy_per_request_j").estimate.unwrap().value - 100.0).abs() < 1e-9);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn twice_the_energy_is_half_the_intelligence_per_watt(factor in 0.1..10.0f64) {
        let plain = campaign();
        let mut scaled = campaign();
        for run in &mut scaled.cells[2].serve {
            edit(&mut run.stage, |record| {
                for window in &mut record.energy {
                    window.gross = window.gross.clone().map(|joules| joules * factor);
                }
            });
        }
        let value = |campaign: &Campaign, name: &str| figure(campaign, 2, name).estimate.unwrap().value;
        prop_assert!((value(&scaled, "ipw") * factor / value(&plain, "ipw") - 1.0).abs() < 1e-9);
        prop_assert!((value(&scaled, "c_tax") / value(&plain, "c_tax") - 1.0).abs() < 1e-9);
        prop_assert!((value(&scaled, "throughput_tok_s") / value(&plain, "throughput_tok_s") - 1.0).abs() < 1e-9);
    }
}
