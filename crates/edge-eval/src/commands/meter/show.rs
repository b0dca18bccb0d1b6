//! The same for people: figures with their intervals, a power curve as a line, and plain sentences.

use std::os::unix::process::ExitStatusExt;

use record::{GpuState, Verdict};
use stats::Estimate;
use units::Reading;

use super::{
    command::Launch,
    curve::Curve,
    figures::FIGURES,
    observe::Observed,
    report::{Report, Told},
};

/// Figures that stand in a line of their own; the others stand behind one of these.
const LINES: &[&str] = &["time_s", "cpu_time_s", "energy_j", "net_energy_j", "mean_power_w", "peak_memory_bytes", "peak_gpu_memory_bytes"];

/// The whole report.
pub(super) fn text(report: &Report) -> String {
    let mut text = String::new();
    for told in &report.commands {
        text += &one(told);
        text.push('\n');
    }
    if !report.comparison.is_empty() {
        text += "First against second\n";
        // What neither has is said above; energy is what one came for.
        for ratio in report.comparison.iter().filter(|ratio| ratio.estimate.known().is_ok() || ratio.figure == "energy_j") {
            text += &format!("  * {}\n", ratio.says);
        }
        text.push('\n');
    }
    text
}

/// A line of talk when a run has ended.
pub(super) fn progress(launch: &Launch, run: &Observed, runs: u32) -> String {
    let time = run.span.1.since(run.span.0).get();
    let repeats = match run.executions.len() {
        1 => String::new(),
        n => format!(" ({n} times)"),
    };
    let energy = FIGURES.iter().find(|figure| figure.name == "energy_j").map(|figure| (figure.of)(run));
    let energy = energy.and_then(|energy| energy.known().ok().map(|joules| format!(", {}", scaled("energy_j", *joules))));
    format!("run {} of {runs}: {}: {}{repeats}{}", run.round + 1, launch.written(), scaled("time_s", time), energy.unwrap_or_default())
}

fn one(told: &Told) -> String {
    let mut text = format!("{}\n", told.written);
    let mut line = |label: &str, value: &str| text += &format!("  {label:<16} {value}\n");
    let mut reasons: Vec<(Vec<&str>, String)> = Vec::new();
    let no_energy = told.figure("energy_j").and_then(|reading| reading.known().err());
    for name in LINES {
        let (Some(reading), Some(figure)) = (told.figure(name), FIGURES.iter().find(|figure| figure.name == *name)) else { continue };
        match reading {
            Reading::Known(estimate) => line(figure.label, &format!("{}{}", estimated(name, estimate), beside(told, name))),
            // A command that no GPU meter saw has no line for one.
            Reading::Missing(_) if *name == "peak_gpu_memory_bytes" => {}
            // What follows from the energy is missing with it.
            Reading::Missing(why) if *name != "energy_j" && no_energy.as_ref() == Some(why) => {}
            Reading::Missing(why) => {
                line(figure.label, "-");
                match reasons.iter_mut().find(|(_, reason)| *reason == why.0) {
                    Some((labels, _)) => labels.push(figure.label),
                    None => reasons.push((vec![figure.label], why.0.clone())),
                }
            }
        }
    }
    if let Some(drawn) = told.curve.as_ref().and_then(Curve::drawn) {
        line("power curve", &drawn);
    }
    for gpu in told.gpus() {
        line(&format!("GPU {}", gpu.index), &state(gpu));
    }
    line("ended", &ended(told));
    line("energy verdict", &verdict(told));
    for (labels, reason) in reasons {
        text += &format!("  - {}: {reason}\n", labels.join(", "));
    }
    if let Some(hint) = &told.hint {
        text += &format!("  hint: {hint}\n");
    }
    for note in &told.notes {
        text += &format!("  note: {note}\n");
    }
    text
}

/// What stands behind a figure in its line.
fn beside(told: &Told, name: &str) -> String {
    let figure = |name: &str| told.figure(name).and_then(|reading| reading.known().ok()).map(|estimate| scaled(name, estimate.value));
    match name {
        "cpu_time_s" => match (figure("user_s"), figure("system_s")) {
            (Some(user), Some(system)) => format!("   (user {user}, system {system})"),
            _ => String::new(),
        },
        "energy_j" => told.source.as_ref().map_or_else(String::new, |source| format!("   ({source})")),
        "net_energy_j" => figure("idle_power_w").map_or_else(String::new, |idle| format!("   (less {idle} idle)")),
        "mean_power_w" => figure("peak_power_w").map_or_else(String::new, |peak| format!("   (peak {peak})")),
        _ => String::new(),
    }
}

fn ended(told: &Told) -> String {
    let runs = told.runs.len();
    let how = match told.status.map(|status| (status.code(), status.signal())) {
        None => return "it was not run".to_owned(),
        Some((Some(0), _)) => "exit code 0".to_owned(),
        Some((Some(code), _)) => format!("FAILED with exit code {code}"),
        Some((None, Some(signal))) => format!("FAILED: killed by signal {signal}"),
        Some((None, None)) => "FAILED without a status".to_owned(),
    };
    format!("{how}, {runs} run{}", if runs == 1 { "" } else { "s" })
}

fn verdict(told: &Told) -> String {
    match &told.verdict {
        None => "-".to_owned(),
        Some(Verdict::Valid) => match told.residual() {
            None => "valid".to_owned(),
            Some(residual) => format!("valid, counter and integral {:.2}% apart", residual.abs() * 100.0),
        },
        Some(Verdict::Invalid { code, .. }) => format!("no valid energy ({code})"),
    }
}

/// What state a GPU was in.
fn state(gpu: &GpuState) -> String {
    let mut words = vec![gpu.name.clone()];
    words.extend(gpu.temperature_c.map(|celsius| format!("{celsius} °C")));
    words.extend(gpu.sm_clock_mhz.map(|mhz| format!("{mhz} MHz")));
    words.extend(gpu.power_limit_w.map(|watts| format!("limit {watts:.0} W")));
    words.extend(gpu.throttle_reasons.filter(|reasons| *reasons != 0).map(|reasons| format!("throttle reasons {reasons:#x}")));
    words.join(", ")
}

/// A value with its interval and n.
fn estimated(name: &str, estimate: &Estimate) -> String {
    let value = scaled(name, estimate.value);
    match estimate.ci95 {
        Some((low, high)) => format!("{value} [{}, {}], n = {}", scaled(name, low), scaled(name, high), estimate.n),
        None => value,
    }
}

/// A value in a unit that people read.
fn scaled(name: &str, value: f64) -> String {
    let (unit, steps): (&str, &[(f64, &str)]) = match name.rsplit('_').next() {
        Some("s") => ("s", &[(1.0, "s"), (1e-3, "ms"), (1e-6, "µs")]),
        Some("j") => ("J", &[(1e6, "MJ"), (1e3, "kJ"), (1.0, "J"), (1e-3, "mJ")]),
        Some("w") => ("W", &[(1.0, "W"), (1e-3, "mW")]),
        Some("bytes") => ("B", &[(1e9, "GB"), (1e6, "MB"), (1e3, "kB")]),
        _ => ("", &[]),
    };
    let fitting = steps.iter().find(|(size, _)| value.abs() >= *size).or(steps.last());
    match fitting {
        Some((size, unit)) if value != 0.0 => format!("{} {unit}", digits(value / size)),
        _ => format!("{value} {unit}"),
    }
}

/// Four digits that matter.
fn digits(value: f64) -> String {
    let places = match value.abs() {
        v if v >= 1000.0 => 0,
        v if v >= 100.0 => 1,
        v if v >= 10.0 => 2,
        _ => 3,
    };
    format!("{value:.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_in_units_people_read() {
        assert_eq!(scaled("time_s", 0.2041), "204.1 ms");
        assert_eq!(scaled("energy_j", 12_345.0), "12.35 kJ");
        assert_eq!(scaled("mean_power_w", 231.04), "231.0 W");
        assert_eq!(scaled("peak_memory_bytes", 3.5e6), "3.500 MB");
        assert_eq!(scaled("time_s", 0.0), "0 s");
    }

    #[test]
    fn every_line_is_a_figure() {
        for name in LINES {
            assert!(FIGURES.iter().any(|figure| figure.name == *name), "{name}");
        }
    }
}
