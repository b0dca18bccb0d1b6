//! The machine, and how far its instruments are to be believed: the load client's certificate, and what the meters said of themselves.

use std::collections::BTreeMap;

use maud::{Markup, html as markup};
use record::{EnergyWindow, OpenLevel, Seen, Verdict};
use units::{Missing, Reading, Seconds};

use super::words;
use crate::{document::Document, gather::Run, number};

pub(super) fn section(run: &Run) -> Markup {
    let document = run.document();
    markup! {
        section #instruments aria-labelledby="instruments-title" {
            h2 #instruments-title { "Machine and instruments" }
            (machine(document))
            h3 { "Load client" }
            (client(document))
            h3 { "Meters" }
            (meters(run))
            h3 { "Prices" }
            (prices(run))
        }
    }
}

fn machine(document: &Document) -> Markup {
    let machine = &document.machine;
    let rows = [
        ("processor", machine.cpu.clone().unwrap_or_else(|| "unnamed".into())),
        ("cores", machine.cores.to_string()),
        ("processor features", machine.cpu_features.join(", ")),
        ("memory", machine.memory.map_or_else(|| "unknown".into(), |memory| format!("{:.2} GB", memory.gigabytes()))),
        ("GPUs", if machine.gpus.is_empty() { "none".into() } else { machine.gpus.join(", ") }),
        ("GPU driver", machine.gpu_driver.clone().unwrap_or_else(|| "none".into())),
        ("kernel", machine.kernel.clone().unwrap_or_else(|| "unknown".into())),
        ("edge-eval", machine.edge_eval.clone()),
        ("digest of all that", machine.digest.clone()),
    ];
    markup! { table.facts { tbody { @for (name, value) in rows { tr { th scope="row" { (name) } td { (value) } } } } } }
}

fn client(document: &Document) -> Markup {
    markup! {
        p { (document.client.summary) "." }
        @if let Some(certificate) = &document.client.certificate {
            div.scroll tabindex="0" role="region" aria-label="Certificate of the load client" {
                table {
                    thead { tr { @for head in ["streams", "requests", "TTFT error", "ITL error", "sent late", "events/s", "verdict"] { th scope="col" { (head) } } } }
                    tbody {
                        @for level in &certificate.levels { (seen(&level.streams.to_string(), &level.seen)) }
                        (open(&certificate.open))
                    }
                }
            }
            p.small {
                "Against a server of known truth: mean error, and the 99th percentile of its size. "
                @if certificate.quick { "Quickly calibrated: few requests a level. " }
            }
        }
    }
}

fn open(level: &OpenLevel) -> Markup {
    seen(&format!("open, {}/s", number::text(level.rate_per_s, None, "").value), &level.seen)
}

fn seen(name: &str, seen: &Reading<Seen>) -> Markup {
    let ms = |mean: Seconds, p99: Seconds| format!("{:+.3} ms (p99 {:.3})", mean.get() * 1e3, p99.get() * 1e3);
    markup! {
        tr {
            th scope="row" { (name) }
            @match seen {
                Reading::Known(seen) => {
                    td { (seen.requests) }
                    td { (ms(seen.ttft_error.mean, seen.ttft_error.p99)) }
                    td { (ms(seen.itl_error.mean, seen.itl_error.p99)) }
                    td { (ms(seen.lateness.mean, seen.lateness.p99)) }
                    td { (number::text(seen.events_per_s.round(), None, "").value) }
                    td { (seen.untruthful().map_or_else(|| "truthful".to_owned(), |why| format!("not truthful: {why}"))) }
                }
                Reading::Missing(Missing(why)) => { td colspan="6" { (words::missing(why)) } }
            }
        }
    }
}

/// What the windows of one source had to say, together.
#[derive(Default)]
struct Together {
    windows: usize,
    /// Codes of the invalid ones, with how often and one reason.
    invalid: BTreeMap<String, (usize, String)>,
    samples: u64,
    coverage: Vec<f64>,
    residual: Vec<f64>,
    w_per_core: Option<f64>,
    short: usize,
}

fn meters(run: &Run) -> Markup {
    let mut all: BTreeMap<&'static str, Together> = BTreeMap::new();
    for window in run.records().flat_map(|record| &record.energy) {
        add(all.entry(window.source.map_or("no meter", record::EnergySource::label)).or_default(), window);
    }
    let span = |values: &[f64]| {
        let least = values.iter().copied().reduce(f64::min);
        least
            .zip(values.iter().copied().reduce(f64::max))
            .map_or_else(|| "–".to_owned(), |(low, high)| format!("{:.1}% to {:.1}%", low * 100.0, high * 100.0))
    };
    markup! {
        div.scroll tabindex="0" role="region" aria-label="Energy windows by source" {
            table {
                thead { tr { @for head in ["source", "windows", "valid", "samples", "coverage", "counter − integral", "remarks"] { th scope="col" { (head) } } } }
                tbody { @for (source, it) in &all { tr {
                    th scope="row" { (source) }
                    td { (it.windows) }
                    td { (it.windows - it.invalid.values().map(|(n, _)| n).sum::<usize>()) }
                    td { (it.samples) }
                    td { (span(&it.coverage)) }
                    td { (span(&it.residual)) }
                    td.prose {
                        @if let Some(w) = it.w_per_core { "modelled: " (w) " W per core. " }
                        @if it.short > 0 { (words::count(it.short, "window")) " of 2 to 5 s. " }
                        @for (code, (n, reason)) in &it.invalid { (n) " invalid, " code { (code) } ", such as: " (reason) ". " }
                    }
                } } }
            }
        }
    }
}

fn add(it: &mut Together, window: &EnergyWindow) {
    it.windows += 1;
    it.samples += u64::from(window.samples);
    it.coverage.extend(window.coverage);
    it.residual.extend(window.residual);
    it.w_per_core = it.w_per_core.or(window.modelled_w_per_core);
    it.short += usize::from(window.short);
    if let Verdict::Invalid { code, reason } = &window.verdict {
        it.invalid.entry(code.clone()).or_insert_with(|| (0, reason.clone())).0 += 1;
    }
}

/// Every price with its source.
fn prices(run: &Run) -> Markup {
    let prices = &run.campaign().plan.prices;
    let cited = |which: plan::Priced| {
        prices.cited.get(&which).map(|one| {
            let note = one.note.as_ref().map_or_else(String::new, |note| format!("; {note}"));
            format!("{}, {} ({}){note}", one.name, one.date, one.source)
        })
    };
    let number = |value: f64, unit: &str| format!("{} {unit}", number::text(value, None, "").value);
    let plans = || "the plan".to_owned();
    let rows: Vec<(&str, String, String)> = vec![
        (
            "hosted model",
            format!("{}: {} USD/Mtok input, {} output", prices.api_name, prices.api_input_usd_per_mtok, prices.api_output_usd_per_mtok),
            format!("{} ({})", prices.api_date, prices.api_source),
        ),
        ("electricity", number(prices.electricity_usd_per_kwh, "USD/kWh"), cited(plan::Priced::Electricity).unwrap_or_else(plans)),
        ("PUE", prices.pue.to_string(), cited(plan::Priced::Pue).unwrap_or_else(plans)),
        (
            "the machine",
            prices.machine_usd_per_hour.map_or_else(|| "no price: energy alone is counted".into(), |rate| number(rate, "USD/h")),
            cited(plan::Priced::Machine).unwrap_or_else(plans),
        ),
        (
            "grid",
            prices.grid_gco2e_per_kwh.map_or_else(|| "not given".into(), |grid| number(grid, "gCO2e/kWh")),
            cited(plan::Priced::Grid).unwrap_or_else(plans),
        ),
        ("setup", number(prices.setup_usd, "USD"), plans()),
    ];
    markup! {
        table.facts { tbody { @for (name, value, source) in rows { tr { th scope="row" { (name) } td { (value) } td.prose { (source) } } } } }
    }
}
