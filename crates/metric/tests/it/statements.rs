//! Statements on sizes: what holds, what does not, and what the data cannot tell.

use metric::{
    Campaign,
    statements::{Statement, Verdict, statements},
};
use record::Verdict as Believed;

use crate::records::{campaign, edit, quality};

/// Two models under lora-int4: the second is a 3B whose serving takes this many times the energy, with these marks for both.
fn two(energy: f64, small: &[f64], large: &[f64]) -> Campaign {
    let mut campaign = campaign();
    let mut small_cell = campaign.cells[2].clone();
    small_cell.quality = quality(small);
    let mut large_cell = small_cell.clone();
    large_cell.cell.tier = "3B".into();
    large_cell.quality = quality(large);
    for run in &mut large_cell.serve {
        edit(&mut run.stage, |record| {
            for window in &mut record.energy {
                window.gross = window.gross.clone().map(|joules| joules * energy);
            }
        });
    }
    campaign.cells = vec![small_cell, large_cell];
    campaign
}

fn money(campaign: &Campaign) -> Statement {
    statements(campaign).into_iter().find(|one| one.objectives.contains(&"score")).unwrap()
}

const GOOD: &[f64] = &[1.0; 40];
const BAD: &[f64] = &[0.0; 40];

#[test]
fn a_smaller_model_that_is_cheaper_and_no_worse_dominates() {
    let statement = money(&two(1000.0, GOOD, GOOD));
    assert_eq!(statement.text, "models under 2B dominate the larger ones in cost, score and energy of a request");
    assert_eq!((statement.verdict, statement.pairs.len()), (Verdict::Holds, 1));
    assert_eq!(statement.pairs[0].smaller_is_better_in, ["cost_per_request_usd", "energy_per_request_j"]);
}

#[test]
fn a_larger_model_that_answers_better_is_said() {
    let statement = money(&two(1000.0, BAD, GOOD));
    assert_eq!(statement.verdict.to_string(), "does not hold: LLaMA 3B is better than LLaMA 1B in score");
}

#[test]
fn what_lies_within_the_intervals_is_not_distinguishable() {
    let statement = money(&two(1.0, &[1.0, 0.0, 1.0, 0.0], &[1.0, 0.0, 1.0, 1.0]));
    assert_eq!(statement.verdict, Verdict::NotDistinguishable);
}

#[test]
fn a_missing_figure_is_not_a_verdict() {
    let mut campaign = two(1.0, GOOD, GOOD);
    for run in &mut campaign.cells[1].serve {
        edit(&mut run.stage, |record| {
            record.energy[1].verdict = Believed::Invalid { code: "window_too_short".into(), reason: "0.1 s".into() };
        });
    }
    let said = money(&campaign).verdict.to_string();
    assert!(said.starts_with("not known: cost_per_request_usd of LLaMA 3B: the energy window `speed` is invalid"), "{said}");
}

#[test]
fn one_size_has_nothing_to_state() {
    assert!(statements(&campaign()).is_empty());
}
