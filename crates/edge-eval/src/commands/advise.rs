//! `edge-eval advise`: of the variants of a run, which to run oneself under given limits, which next, and why.

mod shown;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use econ::{Date, PriceBook};
use metric::{
    Campaign, Elsewhere, Target, Wished, Wishes,
    projection::{Devices, Errors, Machine, check},
};
use record::{RunFolder, StageRecord};

use super::{prices, project};
use crate::{end::End, gate::note, print};

/// Advise which variant of a run to run yourself under limits, with money, energy, carbon and break-even of a month
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  edge-eval advise runs/quickstart --requests-per-month 200k --ttft-p95 300ms --quality-min 0.5 --vram 16GB --region DE"
)]
pub(crate) struct Args {
    /// The run folder
    run: PathBuf,
    /// Traffic: requests a month, such as 200k or 1.5M
    #[arg(long, value_name = "N", value_parser = count)]
    requests_per_month: f64,
    /// At most this 95th percentile of the time to the first token, such as 300ms
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    ttft_p95: Option<f64>,
    /// At most this 95th percentile of the gap between tokens, such as 50ms
    #[arg(long, value_name = "TIME", value_parser = milliseconds)]
    itl_p95: Option<f64>,
    /// At least this score, 0 to 1
    #[arg(long, value_name = "SCORE", value_parser = score)]
    quality_min: Option<f64>,
    /// At most this peak memory of the server, such as 16GB
    #[arg(long, value_name = "SIZE", value_parser = bytes)]
    vram: Option<f64>,
    /// At most this mean power of the devices while requests are served, such as 70W
    #[arg(long, value_name = "POWER", value_parser = watts)]
    power_max: Option<f64>,
    /// Look at this device too, by a projection: T4, 2xT4, or T4@0.35 where its time costs so many USD an hour; may be given again
    #[arg(long, value_name = "DEVICE[@USD]")]
    project_to: Vec<String>,
    /// What the run was made on, where its records name no GPU of the table
    #[arg(long, value_name = "DEVICE", requires = "project_to")]
    from: Option<String>,
    /// A table of devices of your own (TOML), laid over the program's
    #[arg(long, value_name = "FILE", requires = "project_to")]
    devices: Option<PathBuf>,
    /// Electricity and grid of this region of the price book, such as DE, instead of the plan's
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Compare with this hosted model of the price book, such as gpt-4o-mini, instead of the plan's
    #[arg(long, value_name = "MODEL")]
    api: Option<String>,
    /// A price book of your own, laid over the program's
    #[arg(long, value_name = "FILE")]
    book: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let mut campaign = records(&args.run)?;
    let notes = reprice(args, &mut campaign)?;
    let wishes = Wishes { requests_per_month: args.requests_per_month, limits: args.limits(), elsewhere: args.elsewhere()? };
    let advice = metric::advise(&campaign, &wishes);
    if args.json {
        print::json(&shown::json(&campaign, &wishes, &advice, &notes))?;
    } else {
        print::data(&shown::text(&advice))?;
        for said in &notes {
            note(&format!("note: {said}"));
        }
    }
    Ok(if advice.iter().all(|advice| advice.pick.is_some()) { End::Done } else { End::GateNotMet })
}

impl Args {
    fn limits(&self) -> Vec<(Wished, f64)> {
        let limits = [
            (Wished::TtftP95Ms, self.ttft_p95),
            (Wished::ItlP95Ms, self.itl_p95),
            (Wished::Score, self.quality_min),
            (Wished::MemoryBytes, self.vram),
            (Wished::PowerW, self.power_max),
        ];
        limits.into_iter().filter_map(|(wished, bound)| Some((wished, bound?))).collect()
    }

    /// The devices to project to, where any was asked for.
    fn elsewhere(&self) -> anyhow::Result<Option<Elsewhere>> {
        if self.project_to.is_empty() {
            return Ok(None);
        }
        let devices = project::table(self.devices.as_deref())?;
        let targets = self.project_to.iter().map(|written| target(written, &devices)).collect::<Result<_, _>>()?;
        let from: Option<Machine> = self.from.as_deref().map(|name| devices.machine(name)).transpose()?;
        let rows = project::rows(&devices)?;
        let errors = Errors::of(&check(&rows));
        Ok(Some(Elsewhere { targets, from, devices, errors }))
    }
}

/// A device, and after an `@` what it costs an hour.
fn target(written: &str, devices: &Devices) -> anyhow::Result<Target> {
    let (name, rate) = written.split_once('@').map_or((written, None), |(name, rate)| (name, Some(rate)));
    let usd_per_hour = rate.map(|rate| {
        let known = rate.trim().parse().ok().filter(|rate: &f64| rate.is_finite() && *rate >= 0.0);
        known.ok_or_else(|| anyhow::anyhow!("`{}` is no price in USD an hour; such as {name}@0.35", rate.trim()))
    });
    Ok(Target { machine: devices.machine(name)?, usd_per_hour: usd_per_hour.transpose()? })
}

/// A run's records.
pub(super) fn records(run: &Path) -> anyhow::Result<Campaign> {
    let folder = RunFolder::open(run)?;
    let records: HashMap<String, StageRecord> = folder.records()?.into_iter().map(|record| (record.key.clone(), record)).collect();
    let record = |key: &str| Ok::<_, record::Error>(records.get(key).cloned());
    Ok(Campaign::join(&folder.manifest()?, record, |file| folder.read_requests(file))?)
}

/// Puts the book's prices of a region and a hosted model in the place of the plan's; says what must be said of them.
fn reprice(args: &Args, campaign: &mut Campaign) -> anyhow::Result<Vec<String>> {
    let today = prices::today();
    let mut book = PriceBook::embedded();
    if let Some(path) = &args.book {
        book = book.with(prices::own_book(path)?);
    }
    let mut notes = Vec::new();
    let plan = &mut campaign.plan.prices;
    if let Some(region) = &args.region {
        let grid = book.grid(region)?;
        plan.grid_gco2e_per_kwh = Some(grid.g_per_kwh);
        notes.push(dated(&format!("grid of {}: {} gCO2e/kWh", grid.name, grid.g_per_kwh), &grid.cited, today));
        match book.electricity(region) {
            Ok(electricity) => {
                plan.electricity_usd_per_kwh = electricity.usd_per_kwh;
                notes.push(dated(&format!("electricity of {region}: {} USD/kWh", electricity.usd_per_kwh), &electricity.cited, today));
                notes.extend(electricity.note());
            }
            // The grid is known and only its price is not: the plan's stands, and this is said.
            Err(error) => notes.push(format!("{error}: the plan's {} USD/kWh is taken", plan.electricity_usd_per_kwh)),
        }
    }
    if let Some(name) = &args.api {
        let model = book.model(name)?;
        plan.api_name = model.key();
        (plan.api_input_usd_per_mtok, plan.api_output_usd_per_mtok) = (model.input_usd_per_mtok, model.output_usd_per_mtok);
        (plan.api_source, plan.api_date) = (model.cited.source.clone(), model.cited.date.to_string());
        let price = format!("{}: {} USD/Mtok input, {} output", model.key(), model.input_usd_per_mtok, model.output_usd_per_mtok);
        notes.push(dated(&price, &model.cited, today));
    }
    Ok(notes)
}

/// A figure of the book with its source, and a warning where it is old.
fn dated(figure: &str, cited: &econ::Cited, today: Date) -> String {
    let told = cited.warning(today).unwrap_or_else(|| format!("of {}", cited.date));
    format!("{figure} ({}; {told})", cited.source)
}

/// A number with a unit behind it, times what the unit stands for.
fn scaled(text: &str, units: &[(&str, f64)], example: &str) -> Result<f64, String> {
    let wrong = || format!("'{}' is not such a value as {example}", text.trim());
    let lower = text.trim().to_lowercase();
    let (unit, factor) = units.iter().find(|(unit, _)| lower.ends_with(unit)).ok_or_else(wrong)?;
    let value: f64 = lower[..lower.len() - unit.len()].trim().parse().map_err(|_| wrong())?;
    let value = value * factor;
    if value.is_finite() && value > 0.0 { Ok(value) } else { Err(format!("'{}' is not above 0", text.trim())) }
}

fn count(text: &str) -> Result<f64, String> {
    scaled(text, &[("k", 1e3), ("m", 1e6), ("", 1.0)], "200k")
}

fn milliseconds(text: &str) -> Result<f64, String> {
    scaled(text, &[("ms", 1.0), ("s", 1e3)], "300ms or 0.3s")
}

fn bytes(text: &str) -> Result<f64, String> {
    scaled(text, &[("gib", 1_073_741_824.0), ("mib", 1_048_576.0), ("gb", 1e9), ("mb", 1e6)], "16GB or 16GiB")
}

fn watts(text: &str) -> Result<f64, String> {
    scaled(text, &[("mw", 1e-3), ("kw", 1e3), ("w", 1.0)], "70W")
}

fn score(text: &str) -> Result<f64, String> {
    let value: f64 = text.trim().parse().map_err(|_| format!("'{}' is no number", text.trim()))?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err("a score lies from 0 to 1".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_may_have_a_price() {
        let devices = Devices::embedded();
        let of = |text: &str| target(text, &devices).map(|target| (target.machine.name(), target.usd_per_hour));
        assert_eq!(of("t4").unwrap(), ("T4".to_owned(), None));
        assert_eq!(of("2xT4@0.7").unwrap(), ("2 × T4".to_owned(), Some(0.7)));
        assert!(of("T4@-1").unwrap_err().to_string().contains("T4@0.35") && of("T4@x").is_err() && of("T5").is_err());
    }

    #[test]
    fn values_carry_their_units() {
        let near = |got: Result<f64, String>, want: f64| assert!((got.unwrap() - want).abs() < 1e-9 * want, "{want}");
        near(count("200k"), 2e5);
        near(count("1.5M"), 1.5e6);
        near(count("7"), 7.0);
        near(milliseconds("300ms"), 300.0);
        near(milliseconds("0.5 s"), 500.0);
        near(bytes("16GB"), 16e9);
        near(bytes("1GiB"), 1_073_741_824.0);
        near(bytes("512MB"), 512e6);
        near(watts("70W"), 70.0);
        near(watts("0.5 kW"), 500.0);
        assert!(count("-1").is_err() && count("0").is_err() && count("x").is_err() && count("infk").is_err());
        assert!(milliseconds("300").unwrap_err().contains("300ms") && bytes("16").is_err());
        assert!(score("1.1").is_err() && score("nan").is_err() && (score("0.7").unwrap() - 0.7).abs() < 1e-12);
    }
}
