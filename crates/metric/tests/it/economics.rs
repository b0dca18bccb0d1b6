//! The money of a variant beside the hosted model, with every figure worked out on paper.

use econ::{BreakEven, Input};
use metric::{
    Campaign,
    economics::{Economics, economics},
    find,
};
use plan::{Owned, Strategy};
use units::{Reading, Watts};

use crate::{
    figures::figure,
    records::{campaign, edit},
};

fn of(campaign: &Campaign, cell: usize) -> Economics {
    economics(&campaign.views().nth(cell).unwrap())
}

fn requests(at: &BreakEven) -> f64 {
    at.requests().unwrap()
}

#[track_caller]
fn near(got: f64, want: f64) {
    assert!((got - want).abs() <= 1e-9 * want.abs().max(1e-9), "{got}, not {want}");
}

#[track_caller]
fn value(campaign: &Campaign, name: &str, want: f64) {
    near(figure(campaign, 2, name).estimate.unwrap().value, want);
}

#[track_caller]
fn missing(campaign: &Campaign, name: &str, want: &str) {
    assert_eq!(figure(campaign, 2, name).estimate.unwrap_err().0, want, "{name}");
}

#[test]
fn costs_and_break_even_with_their_ends() {
    let money = of(&campaign(), 2);
    let costs = money.costs.known().unwrap();
    // Making: 1.2e5 J · 1.5e-7 + 120 s · 0.001. A request: 100, 110, 90 J · 1.5e-7 + 0.25 s · 0.001.
    near(costs.making_usd.value(), 0.138);
    near(costs.hosted_usd.value(), 0.001_24);
    near(costs.own_usd.value(), 0.000_265);
    // t(2) · 1.5e-6 / √3.
    let half = 4.302_652_729_9 * 1.5e-6 / 3.0f64.sqrt();
    assert!((costs.own_usd.high() - 0.000_265 - half).abs() < 1e-12 && costs.hosted_usd.is_exact() && costs.making_usd.is_exact());
    let at = money.break_even.known().unwrap();
    near(requests(&at.value), 0.138 / 0.000_975);
    assert!((requests(&at.earliest) - 0.138 / (0.000_975 + half)).abs() < 1e-6);
    assert!((requests(&at.latest) - 0.138 / (0.000_975 - half)).abs() < 1e-6);
    assert!(money.notes.contains(&"against hosted, price of 2026-01-01 (price page)".to_owned()));
    assert!(money.notes.contains(&"C_setup is 0 in the plan: a lower bound".to_owned()));
}

#[test]
fn the_curve_ends_at_twice_break_even_and_crosses_there() {
    let money = of(&campaign(), 2);
    let curve = money.over_requests.known().unwrap();
    assert_eq!(curve.len(), 21);
    near(curve[20].requests, 2.0 * 0.138 / 0.000_975);
    near(curve[0].own.value(), 0.138);
    near(curve[10].own.value(), curve[10].api.value());
}

#[test]
fn a_reserved_machine_over_utilisation() {
    let money = of(&campaign(), 2);
    let over = money.over_utilisation.known().unwrap();
    near(over.requests_per_hour.value(), 14_400.0);
    near(over.least_utilisation.unwrap(), 0.000_25 / 0.001_24);
    let half = over.points.iter().find(|point| (point.utilisation - 0.5).abs() < 1e-9).unwrap();
    // 3.60 USD over 7,200 requests; six tokens each.
    near(half.request_usd.value(), 0.0005);
    near(half.usd_per_mtok_output.value(), 0.0005 / 6.0 * 1e6);
    near(requests(&half.break_even.value), 0.138 / 0.000_74);
    near(over.usage_usd_per_mtok_output.known().unwrap().value(), 0.000_265 / 6.0 * 1e6);
    // 3.60 USD over 1,440 requests: 0.0025.
    assert!(matches!(over.points[3].break_even.value, BreakEven::Never { .. }) && !over.energy_is_apart);
}

#[test]
fn a_machine_of_ones_own_draws_energy_busy_and_idle() {
    let mut campaign = campaign();
    campaign.plan.prices.owned = Some(Owned { price_usd: 1e5, life_years: 3.0 });
    let money = of(&campaign, 2);
    let over = money.over_utilisation.known().unwrap();
    let half = over.points.iter().find(|point| (point.utilisation - 0.5).abs() < 1e-9).unwrap();
    // Idle: 100 W · 3,600 s · 1.5e-7 = 0.054 USD. (3.6 + 0.027) / 7,200 + 1.5e-5.
    near(half.request_usd.value(), 3.627 / 7200.0 + 1.5e-5);
    assert!(over.energy_is_apart);
    // Its time is paid either way: 50 J against an idle hour.
    let zero = money.scale_to_zero.known().unwrap();
    near(zero.cold_start.get(), 7.5e-6);
    near(zero.keep_warm_from_per_hour.unwrap(), 0.054 / 7.5e-6);
    value(&campaign, "keep_warm_from_per_hour", 7200.0);
    let notes = figure(&campaign, 2, "keep_warm_from_per_hour").notes;
    assert!(notes.iter().any(|note| note.starts_with("the machine is one's own")), "{notes:?}");
}

#[test]
fn what_moves_break_even_most_comes_first() {
    let money = of(&campaign(), 2);
    let sensitivity = money.sensitivity.known().unwrap();
    near(sensitivity.requests_per_setup_usd.unwrap(), 1.0 / 0.000_975);
    let first = &money.swings()[0];
    // The machine at 2.88 and 4.32 USD: 0.114 / 0.001025 and 0.162 / 0.000925.
    assert_eq!((first.input, first.own_range), (Input::MachineRate, false));
    near(requests(&first.at_low), 0.114 / 0.001_025);
    near(requests(&first.at_high), 0.162 / 0.000_925);
    // The energy of a request has an interval of its own.
    assert!(money.swings().iter().any(|swing| swing.input == Input::RequestEnergy && swing.own_range));
}

#[test]
fn stopping_against_keeping_warm() {
    // A cold start: 50 J · 1.5e-7 + 3 s · 0.001 = 0.0030075. An hour: 100 W · 3,600 s · 1.5e-7 + 3.6 = 3.654.
    let zero = of(&campaign(), 2).scale_to_zero;
    let zero = zero.known().unwrap();
    near(requests(&zero.requests_a_cold_start), 0.003_007_5 / 0.000_975);
    near(zero.keep_warm_from_per_hour.unwrap(), 3.654 / 0.003_007_5);
    value(&campaign(), "requests_per_cold_start", 0.003_007_5 / 0.000_975);
    value(&campaign(), "keep_warm_from_per_hour", 3.654 / 0.003_007_5);
    let figure = figure(&campaign(), 2, "keep_warm_from_per_hour");
    let (low, high) = figure.estimate.unwrap().ci95.unwrap();
    assert!(low < 1214.9 && high > 1215.0);
    assert!(figure.notes.iter().any(|note| note.starts_with("idle power was measured without the model")), "{:?}", figure.notes);
}

#[test]
fn idle_with_the_model_in_memory_comes_first() {
    let mut campaign = campaign();
    for run in &mut campaign.cells[2].serve {
        edit(&mut run.stage, |record| {
            for window in &mut record.energy {
                window.idle_resident = Some(Reading::Known(Watts(200.0)));
            }
        });
    }
    value(&campaign, "keep_warm_from_per_hour", (3.6 + 0.108) / 0.003_007_5);
    assert!(!figure(&campaign, 2, "keep_warm_from_per_hour").notes.iter().any(|note| note.starts_with("idle power")));
}

#[test]
fn a_month_needs_its_traffic_and_a_reservation_its_utilisation() {
    let mut campaign = campaign();
    for name in ["cost_per_month_usd", "cost_per_month_hosted_usd", "carbon_per_month_g", "cost_per_month_reserved_usd"] {
        missing(&campaign, name, "the plan tells no traffic: prices.requests_per_month");
    }
    campaign.plan.prices.requests_per_month = Some(1e5);
    value(&campaign, "cost_per_month_usd", 26.5);
    value(&campaign, "cost_per_month_hosted_usd", 124.0);
    value(&campaign, "carbon_per_month_g", 1500.0);
    let unused = "the plan does not tell how busy the machine is: prices.utilisation";
    missing(&campaign, "cost_per_month_reserved_usd", unused);
    missing(&campaign, "usd_per_mtok_output_reserved", unused);
    campaign.plan.prices.utilisation = Some(0.5);
    // One machine for up to 14,400 · 0.5 · 730.5 requests.
    value(&campaign, "cost_per_month_reserved_usd", 730.5 * 3.6);
    assert_eq!(figure(&campaign, 2, "cost_per_month_reserved_usd").notes, ["1 machine at utilisation 0.5 or less"]);
    value(&campaign, "usd_per_mtok_output_reserved", 0.0005 / 6.0 * 1e6);
    value(&campaign, "cost_per_request_reserved_usd", 0.0005);
    assert_eq!(figure(&campaign, 2, "cost_per_request_reserved_usd").notes, ["at utilisation 0.5"]);
}

#[test]
fn making_and_the_hosted_request_are_figures() {
    value(&campaign(), "making_cost_usd", 0.138);
    value(&campaign(), "cost_per_request_hosted_usd", 0.001_24);
    assert_eq!(figure(&campaign(), 2, "cost_per_request_hosted_usd").notes, ["at hosted, price of 2026-01-01 (price page)"]);
}

#[test]
fn without_a_rate_there_is_no_reservation_and_energy_alone_is_said() {
    let mut campaign = campaign();
    campaign.plan.prices.machine_usd_per_hour = None;
    let money = of(&campaign, 2);
    assert_eq!(money.over_utilisation.known().unwrap_err().0, "the plan gives the machine's time no price");
    assert!(money.notes.contains(&"energy alone: the plan gives the machine's time no price".to_owned()));
    assert!(money.break_even.known().is_ok() && money.sensitivity.known().unwrap().swings.len() == 11);
}

#[test]
fn without_adaptation_nothing_is_paid_back() {
    let mut campaign = campaign();
    let nothing = "nothing is to be paid back: the base model is served as it is, and C_setup is 0 in the plan";
    let money = of(&campaign, 0);
    assert_eq!(money.break_even.known().unwrap_err().0, nothing);
    assert_eq!(money.sensitivity.known().unwrap_err().0, nothing);
    assert!(money.over_requests.known().is_ok() && money.over_utilisation.known().is_ok() && money.scale_to_zero.known().is_ok());
    campaign.plan.prices.setup_usd = 1.0;
    assert_eq!(campaign.cells[0].cell.strategy, Strategy::BaseFp16);
    near(requests(&of(&campaign, 0).break_even.known().unwrap().value), 1.0 / 0.000_975);
}

#[test]
fn dear_serving_never_pays_and_the_curve_is_still_there() {
    let mut campaign = campaign();
    campaign.plan.prices.machine_usd_per_hour = Some(36.0);
    let money = of(&campaign, 2);
    assert!(
        matches!(&money.break_even.known().unwrap().value, BreakEven::Never { reason } if reason.starts_with("never: a request costs"))
    );
    near(money.over_requests.known().unwrap()[20].requests, 1e4);
    let over = money.over_utilisation.known().unwrap();
    assert_eq!(over.least_utilisation, None);
    assert_eq!(money.sensitivity.known().unwrap().requests_per_setup_usd, None);
    assert!(figure(&campaign, 2, "requests_per_cold_start").estimate.unwrap_err().0.starts_with("never"));
}

#[test]
fn impossible_prices_are_said_and_nothing_is_computed() {
    let mut campaign = campaign();
    campaign.plan.prices.api_input_usd_per_mtok = 0.0;
    let money = of(&campaign, 2);
    let why = "the API's input price in USD per million tokens is 0, but should be above 0";
    for part in [money.costs.known().map(|_| ()), money.over_requests.known().map(|_| ()), money.scale_to_zero.known().map(|_| ())] {
        assert_eq!(part.unwrap_err().0, why);
    }
    campaign.plan.prices.api_input_usd_per_mtok = 10.0;
    campaign.plan.prices.electricity_usd_per_kwh = -1.0;
    let why = of(&campaign, 2).costs.known().unwrap_err().0;
    assert_eq!(why, "the electricity price in USD per kWh is -1, but should be 0 or more");
    assert!(find("making_cost_usd").unwrap().of(&campaign.views().nth(2).unwrap()).estimate.is_err());
}

#[test]
fn it_comes_back_from_json() {
    let mut never = campaign();
    never.plan.prices.machine_usd_per_hour = Some(4.4);
    for campaign in [campaign(), never] {
        let money = of(&campaign, 2);
        let json = serde_json::to_string(&money).unwrap();
        assert_eq!(serde_json::from_str::<Economics>(&json).unwrap(), money);
    }
}
