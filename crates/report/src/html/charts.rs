//! The registry of charts: one file each, in the order of the page.

mod adaptation;
mod cold_start;
mod cost;
mod density;
mod energy_by_load;
mod fidelity;
mod frontier;
mod latency;
mod load;
mod pareto;
mod power;
mod radar;
mod roi_ipw;
mod sensitivity;
mod stability;

use std::collections::BTreeMap;

use maud::{Markup, html as markup};
use metric::Advice;

use super::{
    chart::{Chart, Drawing, tasks},
    embed, words,
};
use crate::{
    economics::VariantEconomics,
    gather::{Result, Run},
};

/// Every chart.
pub(super) static CHARTS: &[&Chart] = &[
    &cost::CHART,
    &frontier::CHART,
    &sensitivity::CHART,
    &load::CHART,
    &energy_by_load::CHART,
    &adaptation::CHART,
    &roi_ipw::CHART,
    &density::CHART,
    &stability::CHART,
    &radar::CHART,
    &pareto::CHART,
    &latency::CHART,
    &cold_start::CHART,
    &fidelity::CHART,
    &power::CHART,
];

/// The charts with their data.
///
/// # Errors
/// They cannot be JSON.
pub(super) fn section(run: &Run) -> Result<Markup> {
    let drawn: Vec<(&Chart, std::result::Result<Drawing, units::Missing>)> =
        CHARTS.iter().map(|chart| (*chart, (chart.draw)(run))).collect();
    let data: BTreeMap<&str, &Drawing> = drawn.iter().filter_map(|(chart, drawn)| Some((chart.id, drawn.as_ref().ok()?))).collect();
    Ok(markup! {
        section #charts aria-labelledby="charts-title" {
            h2 #charts-title { "Charts" }
            p {
                "Bars and bands around a point are 95% intervals. Series are told apart by symbol, dash and hatching as well as by colour. Point at "
                "something for its numbers; a click on a name in the legend hides it; drag to zoom, double-click to go back."
            }
            @for (chart, drawn) in &drawn { (one(chart, drawn.as_ref())) }
            (embed::json("chart-data", &data)?)
        }
    })
}

fn one(chart: &Chart, drawn: std::result::Result<&Drawing, &units::Missing>) -> Markup {
    markup! {
        figure.chart id={ "chart-" (chart.id) } {
            h3 { (chart.title) }
            figcaption { (chart.says) }
            @match drawn {
                Err(why) => { p.nothing { "Not drawn: " (why.0) "." } }
                Ok(drawing) => {
                    div.panels {
                        @for (i, panel) in drawing.panels.iter().enumerate() {
                            div.panel {
                                div.plot role="img" aria-label=(panel.alt()) data-chart=(chart.id) data-panel=(i) {}
                                div.tools {
                                    @for (form, name) in [("csv", "CSV"), ("svg", "SVG"), ("png", "PNG")] {
                                        button type="button" data-save=(form) aria-label={ (name) " of " (chart.title) " " (panel.title) } { (name) }
                                    }
                                }
                            }
                        }
                    }
                    @if !drawing.notes.is_empty() { ul.small { @for note in &drawing.notes { li { (note) } } } }
                }
            }
        }
    }
}

/// The money of each task's pick.
fn picked(run: &Run) -> Vec<(&str, Option<&VariantEconomics>)> {
    let money = |advice: &Advice| {
        let cell = &advice.candidates[advice.pick?].cell;
        let cell = words::figures(run.document(), cell)?;
        run.document().economics.iter().find(|one| one.is_of(cell))
    };
    let found: Vec<Option<&VariantEconomics>> = run.advice().iter().map(money).collect();
    tasks(run).into_iter().zip(found).collect()
}
