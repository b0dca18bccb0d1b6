//! `edge-eval project`: what the variants of a run would do on a GPU that nobody ran them on, by a roofline model; and how far that model is
//! off where both devices were measured.

mod checked;
mod shown;

use std::{fs::File, io::Read, path::Path, path::PathBuf};

use anyhow::{Context, bail};
use metric::projection::{Devices, Errors, LARGEST_TABLE, Machine, Row, check, measured};
use reproduce::{Logs, projection_rows};

use super::advise::records;
use crate::{end::End, print};

/// Project a run to a device that you do not have, by a roofline model; everything it prints is a projection and no measurement
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  edge-eval project runs/my-plan --to A100-80GB --to 2xT4\n  edge-eval project --check\n  \
                  edge-eval project --devices-known")]
pub(crate) struct Args {
    /// The run folder
    #[arg(required_unless_present_any = ["check", "devices_known"], conflicts_with_all = ["check", "devices_known"])]
    run: Option<PathBuf>,
    /// The device to project to, such as T4, or 2xT4 for two that share the work; may be given again
    #[arg(long, value_name = "DEVICE", required_unless_present_any = ["check", "devices_known"], requires = "run")]
    to: Vec<String>,
    /// What the run was made on, where its records name no GPU of the table
    #[arg(long, value_name = "DEVICE", requires = "run")]
    from: Option<String>,
    /// A table of devices of your own (TOML), laid over the program's
    #[arg(long, value_name = "FILE")]
    devices: Option<PathBuf>,
    /// Print how far the model is off on every pair of devices on which one model was measured
    #[arg(long, conflicts_with = "devices_known")]
    check: bool,
    /// Print the table of devices, each figure with its source
    #[arg(long)]
    devices_known: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let devices = table(args.devices.as_deref())?;
    if args.devices_known {
        return print_as(args, || checked::known(&devices), || checked::known_json(&devices));
    }
    let rows = rows(&devices)?;
    let pairs = check(&rows);
    let errors = Errors::of(&pairs);
    let Some(folder) = &args.run else {
        return print_as(args, || checked::text(&errors, &pairs), || checked::json(&errors, &pairs));
    };
    let to: Vec<Machine> = args.to.iter().map(|name| devices.machine(name)).collect::<Result<_, _>>()?;
    let from = args.from.as_deref().map(|name| devices.machine(name)).transpose()?;
    let campaign = records(folder)?;
    let shown = shown::Shown::of(&campaign, &devices, from.as_ref(), &to, &errors);
    if shown.is_empty() {
        bail!("the run has no cells");
    }
    print_as(args, || shown.text(), || shown.json())?;
    Ok(if shown.has_any() { End::Done } else { End::Failed })
}

fn print_as(args: &Args, text: impl FnOnce() -> String, json: impl FnOnce() -> serde_json::Value) -> anyhow::Result<End> {
    if args.json {
        print::json(&json())?;
    } else {
        print::data(&text())?;
    }
    Ok(End::Done)
}

/// The program's table of devices, with one's own laid over it.
pub(super) fn table(own: Option<&Path>) -> anyhow::Result<Devices> {
    let Some(path) = own else { return Ok(Devices::embedded()) };
    let mut text = String::new();
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    // One byte more than is allowed, so that a longer table is refused.
    file.take(LARGEST_TABLE as u64 + 1).read_to_string(&mut text).with_context(|| format!("reading {}", path.display()))?;
    Ok(Devices::embedded().with(Devices::read(&text, &path.display().to_string())?))
}

/// Every row that projections can be held against: those that come with the program, and the paper's.
pub(super) fn rows(devices: &Devices) -> anyhow::Result<Vec<Row>> {
    let mut rows = measured(devices)?;
    rows.extend(projection_rows(&Logs::shipped()?, devices)?);
    Ok(rows)
}
