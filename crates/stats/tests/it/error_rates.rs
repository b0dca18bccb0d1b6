//! Error rates by simulation: how often a test claims a difference where there is none, alone and in families.
//!
//! `McNemar`'s exact test and Holm's correction promise at most 5%; being over counts they keep below it, so only the upper side is a
//! promise, and the lower bounds show that they are not merely silent.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stats::{holm, mcnemar};

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
