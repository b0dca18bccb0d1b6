//! A price book as written: strict TOML, checked entry by entry. What is refused names the entry and what is wrong with it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Board, Cited, Electricity, ElectricityKind, GpuOffer, Grid, LARGEST_BOOK, ModelPrice, OfferKind, PriceBook, Pue};
use crate::{
    Date,
    error::{Error, Result},
};

/// Dearest token that is believed, in USD per million: a price per token written where one per million belongs is caught by it.
pub(super) const DEAREST_USD_PER_MTOK: f64 = 10_000.0;

/// Longest name or text of an entry, in characters.
const LONGEST: usize = 300;

pub(super) fn read(text: &str, origin: &str) -> Result<PriceBook> {
    if text.len() as u64 > LARGEST_BOOK {
        return Err(Error::TooLarge { origin: origin.to_owned(), most: LARGEST_BOOK });
    }
    let file: File =
        toml::from_str(text).map_err(|error| Error::Book { origin: origin.to_owned(), reason: one_line(&error.to_string()) })?;
    let check = Check { origin, sources: &file.sources };
    Ok(PriceBook {
        models: check.each("models", &file.models, Check::model)?,
        gpus: check.each("gpus", &file.gpus, Check::gpu)?,
        boards: check.each("boards", &file.boards, Check::board)?,
        electricity: check.each("electricity", &file.electricity, Check::electricity)?,
        pue: check.each("pue", &file.pue, Check::pue)?,
        grid: check.each("grid", &file.grid, Check::grid)?,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct File {
    sources: BTreeMap<String, Source>,
    models: Vec<WrittenModel>,
    gpus: Vec<WrittenGpu>,
    boards: Vec<WrittenBoard>,
    electricity: Vec<WrittenElectricity>,
    pue: Vec<WrittenPue>,
    grid: Vec<WrittenGrid>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Source {
    title: String,
    url: Option<String>,
    date: Date,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenModel {
    host: String,
    name: String,
    id: Option<String>,
    input: f64,
    output: f64,
    source: String,
    date: Option<Date>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenGpu {
    gpu: String,
    cloud: String,
    kind: OfferKind,
    count: u32,
    instance: Option<String>,
    usd_per_hour: f64,
    spot_usd_per_hour: Option<f64>,
    source: String,
    date: Option<Date>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenBoard {
    gpu: String,
    power_w: f64,
    price_usd: Option<f64>,
    life_years: Option<f64>,
    source: String,
    date: Option<Date>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenElectricity {
    region: String,
    zone: Option<String>,
    kind: ElectricityKind,
    usd_per_kwh: f64,
    source: String,
    date: Option<Date>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPue {
    operator: String,
    pue: f64,
    scope: String,
    source: String,
    date: Option<Date>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenGrid {
    region: String,
    #[serde(default)]
    aliases: Vec<String>,
    name: String,
    g_per_kwh: f64,
    source: String,
    date: Option<Date>,
}

/// What the checks of all kinds share. Each check answers what is wrong in words.
struct Check<'a> {
    origin: &'a str,
    sources: &'a BTreeMap<String, Source>,
}

impl Check<'_> {
    fn each<W, T>(&self, kind: &str, written: &[W], check: impl Fn(&Self, &W) -> Result<T, String>) -> Result<Vec<T>> {
        let entry = |(i, w)| {
            check(self, w).map_err(|reason| Error::Entry { origin: self.origin.to_owned(), place: format!("{kind}[{i}]"), reason })
        };
        written.iter().enumerate().map(entry).collect()
    }

    fn model(&self, w: &WrittenModel) -> Result<ModelPrice, String> {
        let (host, name) = (label("host", &w.host)?, label("name", &w.name)?);
        let price = |what, value| number(what, value, "above 0 and at most 10,000", |x| x > 0.0 && x <= DEAREST_USD_PER_MTOK);
        Ok(ModelPrice {
            id: w.id.as_deref().map_or_else(|| Ok(name.clone()), |id| label("id", id))?,
            input_usd_per_mtok: price("input (USD per million tokens)", w.input)?,
            output_usd_per_mtok: price("output (USD per million tokens)", w.output)?,
            host,
            name,
            cited: self.cited(&w.source, w.date)?,
        })
    }

    fn gpu(&self, w: &WrittenGpu) -> Result<GpuOffer, String> {
        let spot = w.spot_usd_per_hour.map(|spot| above_zero("spot_usd_per_hour", spot)).transpose()?;
        if !(1..=1024).contains(&w.count) {
            return Err(format!("count is {}, but should be from 1 to 1024", w.count));
        }
        Ok(GpuOffer {
            gpu: label("gpu", &w.gpu)?,
            cloud: label("cloud", &w.cloud)?,
            kind: w.kind,
            count: w.count,
            instance: w.instance.as_deref().map(|name| label("instance", name)).transpose()?,
            usd_per_hour: above_zero("usd_per_hour", w.usd_per_hour)?,
            spot_usd_per_hour: spot,
            cited: self.cited(&w.source, w.date)?,
        })
    }

    fn board(&self, w: &WrittenBoard) -> Result<Board, String> {
        Ok(Board {
            gpu: label("gpu", &w.gpu)?,
            power_w: above_zero("power_w", w.power_w)?,
            price_usd: w.price_usd.map(|price| above_zero("price_usd", price)).transpose()?,
            life_years: w.life_years.map(|life| above_zero("life_years", life)).transpose()?,
            cited: self.cited(&w.source, w.date)?,
        })
    }

    fn electricity(&self, w: &WrittenElectricity) -> Result<Electricity, String> {
        Ok(Electricity {
            region: label("region", &w.region)?,
            zone: w.zone.as_deref().map(|zone| label("zone", zone)).transpose()?,
            kind: w.kind,
            usd_per_kwh: above_zero("usd_per_kwh", w.usd_per_kwh)?,
            cited: self.cited(&w.source, w.date)?,
        })
    }

    fn pue(&self, w: &WrittenPue) -> Result<Pue, String> {
        Ok(Pue {
            operator: label("operator", &w.operator)?,
            pue: number("pue", w.pue, "from 1 to 10", |x| (1.0..=10.0).contains(&x))?,
            scope: label("scope", &w.scope)?,
            cited: self.cited(&w.source, w.date)?,
        })
    }

    fn grid(&self, w: &WrittenGrid) -> Result<Grid, String> {
        Ok(Grid {
            region: label("region", &w.region)?,
            aliases: w.aliases.iter().map(|alias| label("an alias", alias)).collect::<Result<_, _>>()?,
            name: label("name", &w.name)?,
            g_per_kwh: number("g_per_kwh", w.g_per_kwh, "from 0 to 5,000", |x| (0.0..=5000.0).contains(&x))?,
            cited: self.cited(&w.source, w.date)?,
        })
    }

    fn cited(&self, source: &str, date: Option<Date>) -> Result<Cited, String> {
        let listed = self.sources.get(source);
        let date = date.or(listed.map(|source| source.date));
        let date = date.ok_or_else(|| format!("it has no date, and `{}` is no key of [sources] that has one", short(source)))?;
        let title = listed.map_or(source, |source| &source.title);
        Ok(Cited { source: label("source", title)?, url: listed.and_then(|source| source.url.clone()), date })
    }
}

/// A text in one line, not empty.
fn label(what: &str, text: &str) -> Result<String, String> {
    let fits = !text.trim().is_empty() && text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(format!("{what} should be 1 to {LONGEST} characters in one line")) }
}

fn above_zero(what: &str, value: f64) -> Result<f64, String> {
    number(what, value, "above 0", |x| x > 0.0)
}

fn number(what: &str, value: f64, expected: &str, fits: impl Fn(f64) -> bool) -> Result<f64, String> {
    if value.is_finite() && fits(value) { Ok(value) } else { Err(format!("{what} is {value}, but should be {expected}")) }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// An error of the parser in one line.
fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("; ").chars().take(LONGEST).collect()
}
