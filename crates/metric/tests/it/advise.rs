//! Advice on hand-made records: limits, the pick, the runner-up, and what is said.

use metric::{Advice, Campaign, Kept, Standing, Wished, Wishes, advise};
use units::{Bytes, Reading};

use crate::records::{campaign, edit};

fn ask(campaign: &Campaign, limits: &[(Wished, f64)]) -> Advice {
    let wishes = Wishes { requests_per_month: 2e5, limits: limits.to_vec() };
    advise(campaign, &wishes).remove(0)
}

#[test]
fn a_month_by_hand() {
    let advice = ask(&campaign(), &[]);
    let month = advice.candidates[2].month.as_ref().unwrap();
    // 0.00124 at the hosted model, 0.000265 here, 100 J · 1.5 at 360 g.
    assert!((month.api_usd.value() - 248.0).abs() < 1e-6 && (month.own_usd.value() - 53.0).abs() < 1e-6);
    assert!((month.carbon().unwrap().get() - 2e5 * 0.015).abs() < 1e-6);
    assert!(month.own_usd.low() < 53.0 && 53.0 < month.own_usd.high());
}

#[test]
fn variants_of_the_same_cost_are_not_distinguishable() {
    let advice = ask(&campaign(), &[]);
    assert_eq!((advice.task.as_str(), advice.candidates.len()), ("rag", 4));
    assert!(advice.candidates.iter().all(|candidate| matches!(candidate.standing, Some(Standing::Frontier { .. }))));
    assert!(advice.why.iter().any(|why| why.contains("no least score was asked for")), "{:?}", advice.why);
    assert!(advice.why.iter().any(|why| why.contains("is not distinguishable from it")), "{:?}", advice.why);
}

#[test]
fn limits_leave_out_what_does_not_keep_to_them() {
    // Scores: 0.25, 0.75, 0.625, 0.5625.
    let advice = ask(&campaign(), &[(Wished::Score, 0.6)]);
    let kept: Vec<Kept> = advice.candidates.iter().map(|candidate| candidate.checks[0].kept).collect();
    assert_eq!((kept[0], kept[3]), (Kept::No, Kept::No));
    assert!(advice.candidates[0].standing.is_none() && advice.candidates[1].is_eligible());
    assert!([Some(1), Some(2)].contains(&advice.pick) && advice.runner_up.is_some() && advice.runner_up != advice.pick);
    // Four items tell little: the interval crosses the limit.
    assert!(advice.why.iter().any(|why| why.contains("keeps to 0.6 at its value")), "{:?}", advice.why);
    assert!(advice.why.iter().any(|why| why.contains("53.00 USD a month by use, 248.00 at the hosted model")), "{:?}", advice.why);
    assert!(advice.why.contains(&"C_setup is 0 in the plan: break-even is a lower bound".to_owned()));
    assert!(!advice.why.iter().any(|why| why.starts_with("energy alone")));
    let none = ask(&campaign(), &[(Wished::TtftP95Ms, 1.0)]);
    assert_eq!((none.pick, none.why), (None, vec!["none of 4 variants keeps to every limit".to_owned()]));
}

#[test]
fn what_is_not_known_does_not_keep_to_a_limit() {
    let mut campaign = campaign();
    for run in &mut campaign.cells[1].serve {
        edit(&mut run.stage, |record| record.memory.resident = Reading::missing("not read"));
    }
    for run in &mut campaign.cells[2].serve {
        edit(&mut run.stage, |record| record.memory.resident = Reading::Known(Bytes(20_000_000_000)));
    }
    let advice = ask(&campaign, &[(Wished::MemoryBytes, 16e9)]);
    let kept: Vec<Kept> = advice.candidates.iter().map(|candidate| candidate.checks[0].kept).collect();
    assert_eq!(kept, [Kept::Surely, Kept::Unknown, Kept::No, Kept::Surely]);
}

#[test]
fn a_cheaper_and_better_variant_is_the_pick_and_the_rest_is_dominated() {
    let mut campaign = campaign();
    // All others take ten times the energy and time.
    for cell in [0, 2, 3] {
        for run in &mut campaign.cells[cell].serve {
            edit(&mut run.stage, |record| {
                for window in &mut record.energy {
                    window.gross = window.gross.clone().map(|joules| joules * 100.0);
                }
            });
        }
    }
    let advice = ask(&campaign, &[(Wished::ItlP95Ms, 20.0)]);
    assert_eq!(advice.pick, Some(1));
    assert!(advice.why[0].starts_with("the cheapest of"), "{:?}", advice.why);
}
