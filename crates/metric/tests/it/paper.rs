//! The five metrics of our own records under the method `paper`, worked out on paper.

use metric::{Campaign, Figure, paper};
use units::Missing;

use crate::records::campaign;

fn of(campaign: &Campaign, cell: usize, name: &str) -> Figure {
    let all = paper::figures(&campaign.views().nth(cell).unwrap());
    all.into_iter().find(|(metric, _)| metric.name == name).unwrap().1
}

#[track_caller]
fn check(name: &str, want: f64) -> Figure {
    let figure = of(&campaign(), 2, name);
    let value = figure.estimate.as_ref().unwrap().value;
    assert!((value - want).abs() <= 1e-9 * want.abs(), "{name} is {value}, not {want}");
    figure
}

#[test]
fn the_five_by_hand() {
    // 1e5 J at 0.12 USD/kWh over 0.00125 less 100 J at the same: merge, quantisation and machine time are not in it.
    let usd = 0.12 / 3.6e6;
    let breaks = check("n_break", 1e5 * usd / (0.001_25 - 100.0 * usd));
    assert!(breaks.estimate.unwrap().ci95.is_some());
    // 0.625 over 100 J; the plan's alpha is 2 and does not count.
    check("ipw", 0.006_25);
    // 24 tokens/s over 0.625 GB: all runs have the same rate.
    check("rho_sys", 24.0 / 0.625);
    // 3 s at 400, 440 and 360 W over 100, 110 and 90 J.
    let tax = check("c_tax", 3.0 * 400.0 / 100.0);
    assert!(tax.notes.iter().any(|note| note.starts_with("the cold start is taken to draw")), "{:?}", tax.notes);
    // 0.625 of 0.75.
    check("q_ret", 100.0 * 0.625 / 0.75);
}

#[test]
fn what_cannot_be_is_said() {
    let missing = |figure: Figure| -> Missing { figure.estimate.unwrap_err() };
    assert_eq!(missing(of(&campaign(), 0, "n_break")).0, "no adaptation is planned for this cell");
    assert!(missing(of(&campaign(), 1, "q_ret")).0.starts_with("served in full precision"));
    let mut campaign = campaign();
    campaign.cells[2].cell.tier = "small".into();
    assert_eq!(missing(of(&campaign, 2, "rho_sys")).0, "the tier's name `small` tells no number of parameters, such as 1.5B");
}
