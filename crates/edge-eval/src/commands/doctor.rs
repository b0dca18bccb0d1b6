//! `edge-eval doctor`: what this machine offers, and what that means for the figures.

mod energy;

use clap::Subcommand;
use record::{ClientCertificate, Machine};
use serde_json::json;

use crate::{
    certificate::{self, VERSION},
    end::End,
    env, print,
};

/// Say what this machine offers (cores, GPUs, meters, caches) and what that means for the figures
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  edge-eval doctor --json\n  edge-eval doctor energy", args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A part of the machine to look at more closely.
#[derive(Debug, Subcommand)]
enum Part {
    Energy(energy::Args),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    if let Some(Part::Energy(args)) = &args.part {
        return energy::run(args);
    }
    let machine = Machine::fingerprint(VERSION);
    let client = certificate::stored(&machine);
    let offers = meter::probe(&meter::Places::system());
    let caches: Vec<(&str, Option<std::path::PathBuf>)> = vec![("hub", env::hub_cache()), ("quickstart", env::cache())];
    if args.json {
        let meters: Vec<_> = offers
            .iter()
            .map(|offer| json!({"meter": offer.meter, "found": offer.found.as_ref().ok(), "missing": offer.found.as_ref().err()}))
            .collect();
        let caches: serde_json::Map<_, _> = caches.iter().map(|(name, path)| ((*name).to_owned(), json!(path))).collect();
        let client = client.map(|certificate| json!({"truthful": certificate.truthful(), "certificate": certificate}));
        let means = means(&machine, &offers);
        print::json(&json!({"machine": machine, "meters": meters, "caches": caches, "client": client, "means": means}))?;
        return Ok(End::Done);
    }
    let unknown = || "not known".to_owned();
    let mut text = String::new();
    let mut line = |name: &str, value: String| text += &format!("{name:<11}{value}\n");
    line("processor", machine.cpu.clone().unwrap_or_else(unknown));
    line("cores", machine.cores.to_string());
    line("extensions", machine.cpu_features.join(" "));
    line("memory", machine.memory.map_or_else(unknown, |bytes| format!("{:.1} GB", bytes.gigabytes())));
    line("kernel", machine.kernel.clone().unwrap_or_else(unknown));
    line("GPUs", if machine.gpus.is_empty() { "none".to_owned() } else { machine.gpus.join(", ") });
    for offer in &offers {
        line(offer.meter, offer.found.clone().unwrap_or_else(|reason| format!("no: {reason}")));
    }
    let uncalibrated = || "not calibrated on this machine: edge-eval calibrate".to_owned();
    line("client", client.as_ref().map_or_else(uncalibrated, ClientCertificate::headline));
    for (name, path) in caches {
        line(&format!("{name} cache"), path.map_or_else(|| "no place: set HOME".to_owned(), |path| path.display().to_string()));
    }
    text += "\nWhat this means for the figures\n";
    for meaning in means(&machine, &offers) {
        text += &format!("  * {meaning}\n");
    }
    print::data(&text)?;
    Ok(End::Done)
}

/// Conclusions a reader of a report would want to have known before.
fn means(machine: &Machine, offers: &[meter::Offer]) -> Vec<String> {
    let has = |name: &str| offers.iter().any(|offer| offer.meter == name && offer.found.is_ok());
    let mut means = Vec::new();
    means.push(match (has("nvml"), has("rapl")) {
        (_, true) => "stages on the processor are metered by RAPL".to_owned(),
        (_, false) => {
            "the energy of stages on the processor cannot be measured here: give meter.modelled_w_per_core, and every figure that rests on it is labelled modelled; without it energy figures are missing".to_owned()
        }
    });
    if has("nvml") {
        means.push("stages on a GPU are metered by NVML".to_owned());
    }
    if machine.cores <= 2 {
        means.push(format!(
            "with {} cores the load client shares processors with the server: its own lateness is in the report",
            machine.cores
        ));
    }
    if machine.gpus.is_empty() {
        means.push("there is no GPU: the embedded engine runs on the processor".to_owned());
    }
    means
}
