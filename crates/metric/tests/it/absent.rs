//! What cannot be known, and why; and what is left out, and said.

use metric::{Campaign, METRICS, Stage, figures};
use record::{Detail, EnergySource, ItemMark, Outcome, StageRecord, Verdict};
use units::{Bytes, Nanos, Reading};

use crate::{
    figures::figure,
    records::{campaign, edit},
};

#[track_caller]
fn check(campaign: &Campaign, cell: usize, name: &str, want: &str) {
    match figure(campaign, cell, name).estimate {
        Ok(estimate) => panic!("{name} is {}", estimate.value),
        Err(why) => assert_eq!(why.0, want, "{name}"),
    }
}

fn every_run(campaign: &mut Campaign, change: impl Fn(&mut StageRecord)) {
    for run in &mut campaign.cells[2].serve {
        edit(&mut run.stage, &change);
    }
}

fn invalid() -> Verdict {
    Verdict::Invalid { code: "foreign_process".into(), reason: "pid 7 on GPU 0".into() }
}

#[test]
fn an_invalid_window_carries_no_number() {
    let mut campaign = campaign();
    every_run(&mut campaign, |record| record.energy[1].verdict = invalid());
    let why = "the energy window `speed` is invalid (foreign_process): pid 7 on GPU 0";
    for name in
        ["energy_per_request_j", "energy_per_token_net_j", "ipw", "c_tax", "n_break", "cost_per_request_usd", "carbon_per_request_g"]
    {
        check(&campaign, 2, name, why);
    }
    // What does not rest on it is still known.
    assert!(figure(&campaign, 2, "throughput_tok_s").estimate.is_ok());
    assert!(figure(&campaign, 2, "load_energy_j").estimate.is_ok());
}

#[test]
fn one_invalid_run_is_left_out_and_said() {
    let mut campaign = campaign();
    edit(&mut campaign.cells[2].serve[1].stage, |record| record.energy[1].verdict = invalid());
    let figure = figure(&campaign, 2, "energy_per_request_j");
    let estimate = figure.estimate.unwrap();
    // 100 and 90 J remain.
    assert!((estimate.value - 95.0).abs() < 1e-9);
    assert_eq!(estimate.n, 2);
    assert_eq!(figure.notes, ["run 2 is left out: the energy window `speed` is invalid (foreign_process): pid 7 on GPU 0"]);
}

#[test]
fn no_meter_is_not_zero_joules() {
    let mut campaign = campaign();
    every_run(&mut campaign, |record| {
        record.energy[1].source = None;
        record.energy[1].gross = Reading::missing("no meter could be opened");
    });
    check(&campaign, 2, "energy_per_request_j", "no meter was open over the window `speed`");
    every_run(&mut campaign, |record| record.energy.clear());
    check(&campaign, 2, "load_energy_j", "no energy was metered over the window `load`");
}

#[test]
fn idle_power_may_be_unknown() {
    let mut campaign = campaign();
    every_run(&mut campaign, |record| record.energy[1].net = Reading::missing("idle power was not measured"));
    check(&campaign, 2, "energy_per_request_net_j", "idle power was not measured");
    assert!(figure(&campaign, 2, "energy_per_request_j").estimate.is_ok());
}

#[test]
fn modelled_energy_is_labelled_and_never_mixed() {
    let mut campaign = campaign();
    every_run(&mut campaign, |record| record.energy.iter_mut().for_each(|window| window.source = Some(EnergySource::Modelled)));
    for name in ["energy_per_request_j", "ipw", "c_tax", "load_energy_j", "cost_per_request_usd"] {
        let figure = figure(&campaign, 2, name);
        assert_eq!(figure.source, Some(EnergySource::Modelled), "{name}");
        assert!(figure.notes.iter().any(|note| note.starts_with("energy is modelled")), "{name}");
    }
    // The adaptation was metered, serving modelled.
    check(&campaign, 2, "n_break", "some of its energies were measured and others modelled");
}

#[test]
fn an_energy_window_beside_the_requests() {
    let mut campaign = campaign();
    every_run(&mut campaign, |record| record.energy[1].start = Nanos(500_000_000));
    check(&campaign, 2, "energy_per_request_j", "its energy window holds only 50% of the time of the requests");
}

#[test]
fn failed_requests_are_failures_and_no_latencies() {
    let mut campaign = campaign();
    for run in &mut campaign.cells[2].serve {
        run.requests[3].failure = Some("status: 503 overloaded".into());
        run.requests[3].end = Nanos(60_000_000_000);
    }
    let failed = figure(&campaign, 2, "requests_failed");
    let estimate = failed.estimate.unwrap();
    assert_eq!((estimate.value as u64, estimate.n), (3, 12));
    assert_eq!(failed.notes, ["3 failed, such as: status: 503 overloaded"]);
    let value = |name: &str| figure(&campaign, 2, name).estimate.unwrap().value;
    assert!((value("e2e_ms") - 210.0).abs() < 1e-9);
    // 18 tokens a second, and the energy is borne by the three that were answered.
    assert!((value("throughput_tok_s") - 18.0).abs() < 1e-9);
    assert!((value("energy_per_request_j") - 400.0 / 3.0).abs() < 1e-9);
}

#[test]
fn a_run_in_which_every_request_failed() {
    let mut campaign = campaign();
    for run in &mut campaign.cells[2].serve {
        run.requests.iter_mut().for_each(|request| request.failure = Some("connect: refused".into()));
    }
    check(&campaign, 2, "ttft_ms", "every request failed, the first with `connect: refused`");
    check(&campaign, 2, "throughput_tok_s", "every request failed, the first with `connect: refused`");
    assert!((figure(&campaign, 2, "requests_failed").estimate.unwrap().value - 12.0).abs() < 1e-9);
}

#[test]
fn tokens_that_were_not_counted() {
    let mut campaign = campaign();
    for run in &mut campaign.cells[2].serve {
        run.requests[0].completion_tokens = None;
    }
    let why = "the server did not tell `usage.completion_tokens`";
    for name in ["throughput_tok_s", "itl_ms", "tpot_ms", "rho_sys", "energy_per_token_j", "n_break"] {
        check(&campaign, 2, name, why);
    }
    assert!(figure(&campaign, 2, "ttft_ms").estimate.is_ok());
}

#[test]
fn never_is_never() {
    let mut campaign = campaign();
    campaign.plan.prices.machine_usd_per_hour = Some(36.0);
    // 0.25 s · 0.01 + 1.5e-5 = 0.002515 against 0.00124.
    check(&campaign, 2, "n_break", "never: a request costs 2.515e-3 USD here and 1.240e-3 USD at the hosted model");
    campaign.plan.prices.pue = 0.5;
    check(&campaign, 2, "n_break", "the PUE is 0.5, but should be 1 or more");
}

#[test]
fn a_break_even_that_some_runs_deny_has_no_upper_end() {
    let mut campaign = campaign();
    campaign.plan.prices.machine_usd_per_hour = None;
    // 1.5e-7 USD/J: 0.00124 USD are 8,267 J a request, so 33,067 J a run; one run is far above, the mean below.
    for (run, joules) in campaign.cells[2].serve.iter_mut().zip([60_000.0, 10_000.0, 20_000.0]) {
        edit(&mut run.stage, |record| record.energy[1] = crate::records::window("speed", 1.0, joules));
    }
    let figure = figure(&campaign, 2, "n_break");
    assert_eq!(figure.estimate.unwrap().ci95, None);
    assert!(figure.notes.iter().any(|note| note.ends_with("the interval has no upper end")), "{:?}", figure.notes);
}

#[test]
fn base_and_full_precision_are_references() {
    let campaign = campaign();
    let why = "served in full precision: this is what quantised variants are compared with";
    check(&campaign, 0, "q_ret", why);
    check(&campaign, 1, "q_ret", why);
    check(&campaign, 0, "train_energy_j", "no adaptation is planned for this cell");
    check(&campaign, 0, "compress_energy_j", "this strategy has no merge and no quantisation");
    check(&campaign, 0, "n_break", "nothing is to be paid back: the base model is served as it is, and C_setup is 0 in the plan");
    let mut dear = campaign;
    dear.plan.prices.machine_usd_per_hour = Some(36e3);
    assert!(figure(&dear, 0, "n_break").estimate.unwrap_err().0.starts_with("never: a request costs"));
}

#[test]
fn a_baseline_that_is_not_in_the_plan() {
    let mut campaign = campaign();
    campaign.cells.truncate(1);
    campaign.cells[0].cell.strategy = plan::Strategy::LoraInt4;
    check(&campaign, 0, "q_ret", "the plan has no `lora-fp16` cell to compare with");
    check(&campaign, 0, "score_base", "the plan has no `base-fp16` cell to compare with");
}

#[test]
fn items_without_a_mark_are_left_out_and_said() {
    let mut campaign = campaign();
    edit(&mut campaign.cells[2].quality, |record| {
        let Detail::Quality(facts) = &mut record.detail else { panic!("scored") };
        facts.items[2].marks.insert("f1".into(), Reading::missing("the request timed out"));
        facts.items.push(ItemMark { id: "z".into(), marks: std::collections::BTreeMap::new() });
    });
    let score = figure(&campaign, 2, "score");
    let estimate = score.estimate.unwrap();
    // 1, 0.5 and 1 remain.
    assert!((estimate.value - 2.5 / 3.0).abs() < 1e-9);
    assert_eq!(estimate.n, 3);
    assert_eq!(score.notes[0], "2 of 5 items have no mark, the first because the request timed out");
    // Its baseline loses the same item: 2.5 of 2.5.
    let kept = figure(&campaign, 2, "q_ret");
    assert!((kept.estimate.unwrap().value - 100.0).abs() < 1e-9);
    assert!(kept.notes.contains(&"only the 3 items that both have are compared".to_owned()));
}

#[test]
fn stages_that_failed_or_have_not_run() {
    let mut campaign = campaign();
    edit(&mut campaign.cells[2].adapt, |record| {
        record.outcome = Outcome::Failed { reason: "killed by signal 9".into(), last_lines: Vec::new(), does_not_fit: None };
    });
    check(&campaign, 2, "train_energy_j", "the adaptation failed: killed by signal 9");
    check(&campaign, 2, "n_break", "the adaptation failed: killed by signal 9");
    campaign.cells[2].quality = Stage::NotRun;
    check(&campaign, 2, "score", "the scored pass has not run yet");
    check(&campaign, 2, "ipw", "the scored pass has not run yet");
    campaign.cells[2].serve[0].stage = Stage::NotRun;
    edit(&mut campaign.cells[2].serve[1].stage, |record| {
        record.outcome = Outcome::Failed { reason: "exit code 3".into(), last_lines: Vec::new(), does_not_fit: None };
    });
    let ttft = figure(&campaign, 2, "ttft_ms");
    assert!(ttft.estimate.is_ok());
    assert!(ttft.notes.contains(&"run 2 is left out: the serving run failed: exit code 3".to_owned()));
    assert!(ttft.notes.contains(&"1 of 3 serving runs have not run yet".to_owned()));
    campaign.cells[2].serve.clear();
    check(&campaign, 2, "ttft_ms", "no serving run is planned");
}

#[test]
fn memory_told_as_nothing_is_not_a_denominator() {
    let mut campaign = campaign();
    every_run(&mut campaign, |record| {
        let Detail::Serve(facts) = &mut record.detail else { panic!("serves") };
        facts.weights_memory = Reading::missing("the engine has no /metrics");
        facts.weights_disk = Bytes(0);
    });
    check(&campaign, 2, "rho_sys_weights", "the engine has no /metrics");
    check(&campaign, 2, "rho_sys_disk", "its memory is told as 0 bytes");
}

#[test]
fn a_campaign_that_has_done_nothing_is_missing_everywhere_with_a_reason() {
    let mut campaign = campaign();
    for records in &mut campaign.cells {
        for stage in [&mut records.adapt, &mut records.merge, &mut records.quantise, &mut records.quality, &mut records.perplexity] {
            *stage = Stage::NotRun;
        }
        records.serve.iter_mut().for_each(|run| run.stage = Stage::NotRun);
    }
    for view in campaign.views() {
        let figures = figures(&view);
        assert_eq!(figures.len(), METRICS.len());
        for (metric, figure) in figures {
            let why = figure.estimate.expect_err(metric.name);
            assert!(!why.0.is_empty(), "{}", metric.name);
        }
    }
}
