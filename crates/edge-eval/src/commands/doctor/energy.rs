//! `edge-eval doctor energy`: examines this machine's meters and prints a certificate: what they tell, how often, at what cost, and
//! over which windows they can be believed.

mod examine;
mod load;
mod own_cost;
mod show;

use std::path::PathBuf;

use ::meter::{Places, certify};
use anyhow::{Context, bail};
use record::{Machine, clock};
use units::Reading;

use crate::{end::End, env, gate, print};

/// Examine the meters: tick, call cost, refresh, idle power, and how far counter and integral are apart under a load
///
/// Takes a few minutes with a GPU, which must be free of other work: it puts a steady and a pulsed load on it. The certificate is stored
/// with the other caches and replaces the last one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  edge-eval doctor energy\n  edge-eval doctor energy --gpu 1 --windows 0.5,2,5 --json")]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Seconds of each load at least; longer where a window needs it
    #[arg(long, default_value_t = 10.0, value_name = "S", value_parser = seconds)]
    load_s: f64,
    /// Window lengths, in seconds
    #[arg(long, default_value = "0.5,1,2,5,10,30", value_delimiter = ',', value_name = "S,S,…", value_parser = seconds)]
    windows: Vec<f64>,
    /// Which GPU
    #[arg(long, default_value_t = 0)]
    gpu: u32,
    /// The pulsed load works and rests for so many milliseconds
    #[arg(long, default_value_t = 80, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pulse_ms: u32,
    /// Put no load on anything: tick, cost and idle power alone
    #[arg(long)]
    no_load: bool,
    /// No talk on stderr
    #[arg(long, short)]
    quiet: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<End> {
    let places = Places::system();
    let store = store();
    let mut devices = Vec::new();
    for subject in examine::subjects(args, &places) {
        devices.push(examine::device(args, subject)?);
    }
    let sampler = own_cost::sampler(args, &places)?;
    let certificate = certify::Certificate {
        schema: certify::SCHEMA.to_owned(),
        made_at: clock::wall(),
        machine: Machine::fingerprint(env!("CARGO_PKG_VERSION")),
        meters: ::meter::probe(&places).into_iter().map(found).collect(),
        devices,
        cpu_clock_resolution_s: own_cost::cpu_clock_resolution(),
        sampler,
    };
    let text = serde_json::to_string_pretty(&certificate).context("writing JSON")?;
    match &store {
        Some(path) => keep(path, &text)?,
        None => gate::note("the certificate is not stored: set XDG_CACHE_HOME or HOME"),
    }
    let shown = if args.json { format!("{text}\n") } else { show::text(&certificate, store.as_deref()) };
    print::data(&shown)?;
    Ok(End::Done)
}

/// Where the certificate is kept.
fn store() -> Option<PathBuf> {
    Some(env::cache()?.join("edge-eval").join("energy-certificate.json"))
}

fn keep(path: &std::path::Path, text: &str) -> anyhow::Result<()> {
    let unfinished = path.with_extension(format!("{}.tmp", std::process::id()));
    let folder = path.parent().context("a cache without a folder")?;
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&unfinished, text))
        .and_then(|()| std::fs::rename(&unfinished, path))
        .with_context(|| format!("storing the certificate {}", path.display()))
}

fn found(offer: ::meter::Offer) -> certify::Found {
    let offers = match offer.found {
        Ok(offers) => Reading::Known(offers),
        Err(why) => Reading::missing(why),
    };
    certify::Found { meter: offer.meter.to_owned(), offers }
}

fn talk(args: &Args, text: &str) {
    if !args.quiet {
        gate::note(text);
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    let parse = || -> anyhow::Result<f64> {
        let value: f64 = text.trim().parse()?;
        if !(0.05..=3600.0).contains(&value) {
            bail!("out of range");
        }
        Ok(value)
    };
    parse().map_err(|_| format!("'{text}' is not a number of seconds from 0.05 to 3600"))
}
