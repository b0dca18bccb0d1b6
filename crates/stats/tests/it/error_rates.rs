//! Error rates by simulation: how often a test claims a difference where there is none, alone and in families.
//!
//! `McNemar`'s exact test and Holm's correction promise at most 5%; being over counts they keep below it, so only the upper side is a
//! promise, and the lower bounds show that they are not merely silent.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stats::{Sample, difference, holm, mcnemar, mean_interval, ratio, wilson};

const DRAWS: usize = 10_000;
/// Room of the simulation itself: 95% ± 1.5%.
const ROOM: f64 = 0.015;

/// Share of draws in which something was claimed.
fn claimed(mut draw: impl FnMut(&mut ChaCha8Rng) -> bool) -> f64 {
    let mut rng = ChaCha8Rng::seed_from_u64(20_260_821);
    (0..DRAWS).filter(|_| draw(&mut rng)).count() as f64 / DRAWS as f64
}

/// Items of which each system has 60% right, whatever the other has; `better` of the first system's wrong ones the second has right too.
fn pairs(rng: &mut ChaCha8Rng, items: usize, better: f64) -> Vec<(bool, bool)> {
    (0..items)
        .map(|_| {
            let (before, after) = (rng.random_bool(0.6), rng.random_bool(0.6));
            (before, after || rng.random_bool(better))
        })
        .collect()
}

#[test]
fn mcnemar_claims_no_more_than_it_may() {
    let share = claimed(|rng| mcnemar(&pairs(rng, 200, 0.0)).unwrap().p_value <= 0.05);
    assert!(share <= 0.05 + ROOM && share > 0.02, "{share}");
}

#[test]
fn mcnemar_finds_what_is_there() {
    // From 60% to 76% on 200 items.
    let share = claimed(|rng| mcnemar(&pairs(rng, 200, 0.4)).unwrap().p_value <= 0.05);
    assert!(share > 0.85, "{share}");
}

#[test]
fn holm_keeps_a_family_of_ten_at_its_level() {
    // Ten true hypotheses: p-values are even on 0..1.
    let family = |rng: &mut ChaCha8Rng| -> Vec<f64> { (0..10).map(|_| rng.random()).collect() };
    let alone = claimed(|rng| family(rng).iter().any(|p| *p <= 0.05));
    let corrected = claimed(|rng| holm(&family(rng)).unwrap().iter().any(|p| *p <= 0.05));
    assert!((alone - (1.0 - 0.95_f64.powi(10))).abs() < ROOM, "{alone}");
    assert!((corrected - (1.0 - 0.995_f64.powi(10))).abs() <= ROOM, "{corrected}");
}

#[test]
fn holm_keeps_its_level_where_some_are_false_and_all_depend_on_each_other() {
    // Three false hypotheses that are always found, and seven true ones with one and the same p-value.
    let share = claimed(|rng| {
        let p: f64 = rng.random();
        let family: Vec<f64> = [1e-9; 3].into_iter().chain([p; 7]).collect();
        holm(&family).unwrap()[3..].iter().any(|p| *p <= 0.05)
    });
    assert!(share <= 0.05 + ROOM, "{share}");
}

/// Runs of a figure that is `mean` on average, from the sum of twelve even draws: near normal.
fn runs(rng: &mut ChaCha8Rng, n: usize, mean: f64, sd: f64) -> stats::Estimate {
    let values: Vec<f64> = (0..n).map(|_| mean + sd * ((0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0)).collect();
    mean_interval(&Sample::new(values).unwrap())
}

#[test]
fn two_runs_that_do_not_differ_are_seldom_told_apart() {
    for (n, m, sd) in [(3, 3, 1.0), (5, 5, 3.0), (20, 20, 1.0), (3, 20, 2.0)] {
        let share = claimed(|rng| difference(&runs(rng, n, 100.0, 1.0), &runs(rng, m, 100.0, sd)).unwrap().p_at(0.0) <= 0.05);
        assert!(share <= 0.05 + ROOM && share > 0.01, "{n} and {m} runs: {share}");
    }
}

#[test]
fn a_ratio_holds_the_truth_as_often_as_it_says() {
    for (n, truth) in [(3, 1.0), (5, 1.2), (20, 0.5)] {
        let missed = claimed(|rng| {
            let (low, high) = ratio(&runs(rng, n, 100.0, 4.0), &runs(rng, n, 100.0 * truth, 4.0)).unwrap().ci95;
            !(low..=high).contains(&truth)
        });
        assert!(missed <= 0.05 + ROOM && missed > 0.01, "{n} runs, {truth}: {missed}");
    }
}

#[test]
fn a_gate_of_five_percent_is_seldom_said_to_be_broken_where_it_stands_on_its_bound() {
    let share = claimed(|rng| ratio(&runs(rng, 5, 100.0, 2.0), &runs(rng, 5, 105.0, 2.0)).unwrap().p_not_above(1.05) < 0.025);
    assert!(share <= 0.025 + ROOM && share > 0.01, "{share}");
    let kept = claimed(|rng| ratio(&runs(rng, 5, 100.0, 2.0), &runs(rng, 5, 100.0, 2.0)).unwrap().p_not_above(1.05) < 0.025);
    assert!(kept < 0.001, "{kept}");
    let found = claimed(|rng| ratio(&runs(rng, 5, 100.0, 2.0), &runs(rng, 5, 115.0, 2.0)).unwrap().p_not_above(1.05) < 0.025);
    assert!(found > 0.9, "{found}");
}

#[test]
fn two_shares_that_do_not_differ_are_seldom_told_apart() {
    let share = claimed(|rng| {
        let mut right = || wilson((0..60).filter(|_| rng.random_bool(0.7)).count(), 60).unwrap();
        difference(&right(), &right()).unwrap().p_at(0.0) <= 0.05
    });
    assert!(share <= 0.05 + ROOM && share > 0.02, "{share}");
}
