//! Figures of what a joule and a dollar give: tokens, right answers, tokens and time together.

use units::{Joules, Reading};

use crate::{
    figures::figure,
    records::{campaign, edit, quality},
};

#[track_caller]
fn check(name: &str, want: f64) -> metric::Figure {
    let figure = figure(&campaign(), 2, name);
    let value = figure.estimate.as_ref().unwrap_or_else(|why| panic!("{name}: {why}")).value;
    assert!((value - want).abs() <= 1e-9 * want.abs(), "{name} is {value}, not {want}");
    figure
}

#[test]
fn tokens_of_a_joule() {
    // 24 tokens over 400, 440 and 360 J.
    let figure = check("tokens_per_joule", (24.0 / 400.0 + 24.0 / 440.0 + 24.0 / 360.0) / 3.0);
    assert_eq!(figure.estimate.unwrap().n, 3);
    assert!(figure.source.is_some());
}

#[test]
fn energy_times_delay() {
    // 100 J of a request (100, 110, 90) · 210 ms.
    let figure = check("energy_delay_product", 21.0);
    let (low, high) = figure.estimate.unwrap().ci95.unwrap();
    assert!(low < 21.0 && 21.0 < high && low > 15.0);
}

#[test]
fn money_of_a_million_output_tokens() {
    // 0.000265 USD a request of 6 tokens.
    check("usd_per_mtok_output", 0.000_265 / 6.0 * 1e6);
}

#[test]
fn energy_of_a_right_answer() {
    let mut campaign = campaign();
    let between = figure(&campaign, 2, "j_per_right_answer").estimate.unwrap_err();
    assert_eq!(between.to_string(), "`f1` has marks between right and wrong");
    campaign.cells[2].quality = quality(&[1.0, 0.0, 1.0, 1.0]);
    let right = figure(&campaign, 2, "j_per_right_answer");
    assert!((right.estimate.unwrap().value - 100.0 / 0.75).abs() < 1e-9);
    assert!(right.notes.contains(&"right by `f1`".to_owned()));
    campaign.cells[2].quality = quality(&[0.0; 4]);
    let none = figure(&campaign, 2, "j_per_right_answer").estimate.unwrap_err();
    assert_eq!(none.to_string(), "none of 4 answers was right");
}

#[test]
fn no_energy_no_figure() {
    let mut campaign = campaign();
    for run in &mut campaign.cells[2].serve {
        edit(&mut run.stage, |record| record.energy.retain(|window| window.name != "speed"));
    }
    for name in ["tokens_per_joule", "energy_delay_product", "j_per_right_answer", "usd_per_mtok_output"] {
        assert!(figure(&campaign, 2, name).estimate.is_err(), "{name}");
    }
}

#[test]
fn a_run_that_took_no_energy_has_no_tokens_per_joule() {
    let mut campaign = campaign();
    edit(&mut campaign.cells[2].serve[0].stage, |record| {
        for window in record.energy.iter_mut().filter(|window| window.name == "speed") {
            window.gross = Reading::Known(Joules(0.0));
        }
    });
    assert!(figure(&campaign, 2, "tokens_per_joule").estimate.is_err());
}
