//! What-if: prices and traffic of the reader's own, from which the page's script computes money, break-even and carbon at once. The script's
//! formulas are `econ`'s, and tested to give the same; what they start from was observed and stands in the page.

use maud::{Markup, html as markup};
use metric::economics::{Observed, observed};
use serde::Serialize;
use units::{Missing, Reading};

use super::{answer::ASSUMED_REQUESTS, chart::look_of, embed, words};
use crate::gather::{Result, Run};

/// What the script starts from.
#[derive(Debug, Serialize)]
struct Start<'a> {
    hosted: &'a str,
    prices: Prices,
    variants: Vec<Variant>,
}

/// The sliders as planned.
#[derive(Debug, Serialize)]
struct Prices {
    api_input_usd_per_mtok: f64,
    api_output_usd_per_mtok: f64,
    electricity_usd_per_kwh: f64,
    pue: f64,
    /// 0: its time is not counted.
    machine_usd_per_hour: f64,
    /// Whether the machine's energy, busy and idle, is paid beside that rate.
    energy_is_apart: bool,
    setup_usd: f64,
    /// 0 where the plan gives none.
    grid_gco2e_per_kwh: f64,
    requests_per_month: f64,
    utilisation: f64,
}

/// A variant that can be priced, or why not.
#[derive(Debug, Serialize)]
struct Variant {
    task: String,
    name: String,
    look: usize,
    pick: bool,
    observed: Reading<Observed>,
}

/// A slider: the key of its price, its name, unit and ends; a logarithmic one has 0 below its lower end where it may be nothing.
struct Slider {
    key: &'static str,
    name: &'static str,
    unit: &'static str,
    low: f64,
    high: f64,
    log: bool,
    /// What 0 means; without it 0 cannot be chosen.
    zero: Option<&'static str>,
}

const SLIDERS: &[Slider] = &[
    Slider { key: "api_input_usd_per_mtok", name: "hosted, input", unit: "USD/Mtok", low: 0.01, high: 100.0, log: true, zero: None },
    Slider { key: "api_output_usd_per_mtok", name: "hosted, output", unit: "USD/Mtok", low: 0.01, high: 400.0, log: true, zero: None },
    Slider { key: "requests_per_month", name: "requests a month", unit: "", low: 100.0, high: 1e9, log: true, zero: None },
    Slider { key: "electricity_usd_per_kwh", name: "electricity", unit: "USD/kWh", low: 0.0, high: 1.0, log: false, zero: None },
    Slider { key: "machine_usd_per_hour", name: "machine", unit: "USD/h", low: 0.01, high: 100.0, log: true, zero: Some("not counted") },
    Slider { key: "utilisation", name: "utilisation of a reserved machine", unit: "0 to 1", low: 0.01, high: 1.0, log: false, zero: None },
    Slider {
        key: "grid_gco2e_per_kwh",
        name: "carbon of the grid",
        unit: "gCO2e/kWh",
        low: 0.0,
        high: 1200.0,
        log: false,
        zero: Some("not known"),
    },
    Slider { key: "setup_usd", name: "setup", unit: "USD", low: 1.0, high: 1e6, log: true, zero: Some("nothing") },
    Slider { key: "pue", name: "PUE", unit: "", low: 1.0, high: 3.0, log: false, zero: None },
];

/// The controls, and the data that they change.
///
/// # Errors
/// The data cannot be JSON.
pub(super) fn section(run: &Run) -> Result<Markup> {
    let start = start(run);
    let tasks: Vec<&str> = run.campaign().plan.tasks.iter().map(|task| task.name.as_str()).collect();
    Ok(markup! {
        section #what-if aria-labelledby="what-if-title" {
            h2 #what-if-title { "What if" }
            p {
                "Move a price or the traffic: break-even, money and carbon follow at once, from what was observed in this run. In brackets every "
                "quantity is at the end of its 95% interval at once, which is wider than 95%."
            }
            noscript { p { "This part needs scripts." } }
            div #what-if-controls {
                label.choice { "Task " select #what-if-task { @for task in &tasks { option value=(task) { (task) } } } }
                div.sliders { @for slider in SLIDERS { (control(slider)) } }
                p.tools { button type="button" #what-if-reset { "As planned" } output #what-if-said role="status" {} }
            }
            div.scroll tabindex="0" role="region" aria-label="Money and carbon of each variant at these prices" {
                table #what-if-table {
                    thead { tr { @for head in HEAD { th scope="col" { (head) } } } }
                    tbody {}
                }
            }
            ul.small {
                li { "By use: the energy and machine time of the requests themselves, as if the machine cost nothing between them." }
                li { "Reserved: machines rented by the hour (or one's own, whose energy is paid beside its price) that are busy for the utilisation; as many as the traffic needs, at least one." }
                li { "Break-even: (making + setup) / (hosted − own cost of a request)." }
            }
            div.panel {
                div #what-if-plot .plot role="img" aria-label="Cost against requests at these prices; the table above has the numbers" {}
            }
            (embed::json("what-if-data", &start)?)
        }
    })
}

const HEAD: &[&str] = &[
    "variant",
    "request by use, USD",
    "break-even by use, requests",
    "month by use, USD",
    "request reserved, USD",
    "break-even reserved, requests",
    "month reserved, USD (machines)",
    "month hosted, USD",
    "energy a month, kWh",
    "carbon a month, kgCO2e",
];

fn control(slider: &Slider) -> Markup {
    let id = format!("what-if-{}", slider.key);
    markup! {
        div.slider data-key=(slider.key) data-low=(slider.low) data-high=(slider.high) data-log=(u8::from(slider.log)) data-zero=[slider.zero] {
            label for=(id) { (slider.name) @if !slider.unit.is_empty() { " " span.unit { (slider.unit) } } }
            input type="range" id=(id) min="0" max="1000" step="1";
            input type="number" step="any" min=(if slider.zero.is_some() { 0.0 } else { slider.low }) aria-label={ (slider.name) ", as a number" };
        }
    }
}

fn start(run: &Run) -> Start<'_> {
    let prices = &run.campaign().plan.prices;
    let picks: Vec<&plan::Cell> = run.advice().iter().filter_map(|advice| Some(&advice.candidates[advice.pick?].cell)).collect();
    let variant = |view: metric::CellView<'_>| {
        let cell = view.cell();
        let observed: std::result::Result<Observed, Missing> = observed(&view);
        Variant {
            task: cell.task.clone(),
            name: words::variant(cell),
            look: look_of(cell.strategy.name()),
            pick: picks.contains(&cell),
            observed: observed.into(),
        }
    };
    Start {
        hosted: &prices.api_name,
        prices: Prices {
            api_input_usd_per_mtok: prices.api_input_usd_per_mtok,
            api_output_usd_per_mtok: prices.api_output_usd_per_mtok,
            electricity_usd_per_kwh: prices.electricity_usd_per_kwh,
            pue: prices.pue,
            machine_usd_per_hour: prices.machine_usd_per_hour.unwrap_or(0.0),
            energy_is_apart: prices.owned.is_some(),
            setup_usd: prices.setup_usd,
            grid_gco2e_per_kwh: prices.grid_gco2e_per_kwh.unwrap_or(0.0),
            requests_per_month: prices.requests_per_month.unwrap_or(ASSUMED_REQUESTS),
            utilisation: prices.utilisation.unwrap_or(1.0),
        },
        variants: run.campaign().views().map(variant).collect(),
    }
}
