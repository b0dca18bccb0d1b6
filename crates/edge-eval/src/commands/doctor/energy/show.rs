//! A certificate for people.

use std::path::Path;

use ::meter::certify::{Certificate, Device, Residual, Spread, UnderLoad};
use units::{Reading, Watts};

/// What is said where nothing measures energy.
const NOTHING: &str = "
Nothing on this machine measures energy. It can be modelled from CPU time when you state the watts of a busy core
(edge-eval meter --modelled-w-per-core 8 -- COMMAND, or meter.modelled_w_per_core in a plan), and is labelled so everywhere.
";

/// The whole certificate.
pub(super) fn text(certificate: &Certificate, stored: Option<&Path>) -> String {
    let mut text = String::new();
    for found in &certificate.meters {
        let offers = found.offers.known().map_or_else(|why| format!("no: {why}"), Clone::clone);
        text += &format!("{:<12}{offers}\n", found.meter);
    }
    for device in &certificate.devices {
        text += &one(device);
    }
    if certificate.devices.is_empty() {
        text += NOTHING;
    }
    text += "\nThe instrument itself\n";
    let resolution = certificate.cpu_clock_resolution_s.known().map_or_else(|why| format!("- ({why})"), |s| format!("{:.0} ns", s * 1e9));
    text += &format!("  CPU clock      steps of {resolution}\n");
    let sampler = &certificate.sampler;
    let share = sampler.cpu_share.known().map_or_else(|why| format!("- ({why})"), |share| format!("{:.2}% of one core", share * 100.0));
    let power = match sampler.power_w.known() {
        Ok(power) => {
            let interval = power.ci95.map_or_else(String::new, |(low, high)| format!(" [{low:+.2}, {high:+.2}]"));
            format!("{:+.2} W{interval}, n = {}", power.value, power.n)
        }
        Err(why) => format!("- ({why})"),
    };
    text += &format!("  sampler        every {} ms: {share}; power {power}, under {}\n", sampler.interval_ms, sampler.under);
    if let Some(path) = stored {
        text += &format!("\nstored in {}\n", path.display());
    }
    text
}

fn one(device: &Device) -> String {
    let name = device.name.as_deref().unwrap_or("package");
    let mut text = format!("\n{} {}: {name}\n", device.meter, device.device);
    for (what, period, call) in [
        ("energy counter", &device.counter_tick_s, &device.counter_call_s),
        ("power, instant", &device.instant_refresh_s, &device.instant_call_s),
        ("power, average", &device.average_refresh_s, &device.average_call_s),
    ] {
        text += &format!("  {what:<15}{}\n", channel(period, call));
    }
    text += &format!("  idle           {}, with a context {}\n", watts(&device.idle_w), watts(&device.idle_with_context_w));
    for load in &device.loads {
        text += &under(load);
    }
    text + &match &device.usable {
        Reading::Known(usable) => format!(
            "  verdict        usable for windows of {} s and longer, residual within {:.2}% (windows under {} s are refused)\n",
            usable.from_s,
            usable.residual * 100.0,
            usable.refused_under_s
        ),
        Reading::Missing(why) => format!("  verdict        -: {why}\n"),
    }
}

fn channel(period: &Reading<Spread>, call: &Reading<Spread>) -> String {
    match (call, period) {
        (Reading::Missing(why), _) => format!("- ({why})"),
        (Reading::Known(call), Reading::Missing(_)) => format!("never changed; {}", calls(call)),
        (Reading::Known(call), Reading::Known(period)) => {
            format!("changes every {:.1} ms (99%: {:.1}); {}", period.median * 1e3, period.p99 * 1e3, calls(call))
        }
    }
}

fn calls(call: &Spread) -> String {
    format!("a read takes {:.1} µs (99%: {:.1}, n = {})", call.median * 1e6, call.p99 * 1e6, call.n)
}

fn under(load: &UnderLoad) -> String {
    let mut text = format!("  load: {}, {}\n", load.load, watts(&load.power_w));
    if !load.aligned.is_empty() {
        text += "    (counter - integral) / integral, mean and worst\n";
        text += &format!("    {:>8}  {:>18}  {:>18}  {:>18}\n", "window", "between ticks", "read each 100 ms", "anywhere");
    }
    let cell = |rows: &[Residual], length: f64| {
        let row = rows.iter().find(|row| row.window_s.total_cmp(&length).is_eq());
        row.map_or_else(|| "-".to_owned(), |row| format!("{:+.2}% {:+.2}%", row.mean * 100.0, row.worst * 100.0))
    };
    for row in &load.aligned {
        let length = row.window_s;
        let (aligned, sampled, anywhere) =
            (cell(&load.aligned, length), cell(&load.aligned_sampled, length), cell(&load.unaligned, length));
        text += &format!("    {length:>6} s  {aligned:>18}  {sampled:>18}  {anywhere:>18}\n");
    }
    text + &match &load.repeatability {
        Reading::Known(equal) => format!(
            "    two equal windows of {} s: {:.2}% apart at worst, {:.2}% on average ({} pairs)\n",
            equal.window_s,
            equal.worst * 100.0,
            equal.mean * 100.0,
            equal.pairs
        ),
        Reading::Missing(why) => format!("    repeatability: - ({why})\n"),
    }
}

fn watts(reading: &Reading<Watts>) -> String {
    reading.known().map_or_else(|why| format!("- ({why})"), |watts| format!("{:.1} W", watts.get()))
}
