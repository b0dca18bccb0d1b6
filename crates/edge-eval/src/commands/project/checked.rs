//! The errors of the projection, and the table of devices, as text and as JSON.

use metric::projection::{Device, Devices, Errors, Fact, Pair, Quantity};
use serde_json::{Value, json};

use crate::print::{columns, digits};

/// For each pair of devices and each quantity: how many rows, and measured over projected.
pub(super) fn text(errors: &Errors, pairs: &[Pair<'_>]) -> String {
    let head = ["from", "to", "figure", "rows", "measured / projected", "off by up to", "between the two ends"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    let mut named: Vec<(&str, &str)> = errors.devices();
    named.push(("every", "GPU"));
    for (from, to) in named {
        for quantity in Quantity::ALL {
            let band = if from == "every" { errors.all(*quantity) } else { errors.between(from, to, *quantity) };
            let Some(band) = band else { continue };
            lines.push(vec![
                from.to_owned(),
                to.to_owned(),
                quantity.name().to_owned(),
                band.n.to_string(),
                format!("{} to {}", digits(band.lowest), digits(band.highest)),
                format!("{}×", digits(band.highest.max(1.0 / band.lowest))),
                format!("{} of {}", band.within, band.n),
            ]);
        }
    }
    let mut text = columns(&lines);
    text += "\nEvery row of one model on one device was projected to every row of it on another with at most 1.25 times as many streams, or as few.\n";
    text += "The value is the geometric mean of two ends: all the time beyond the roofline scales with the device, and none of it does.\n";
    for note in notes(pairs) {
        text += &format!("note: {note}\n");
    }
    text
}

/// The same, with every row.
pub(super) fn json(errors: &Errors, pairs: &[Pair<'_>]) -> Value {
    let devices: Vec<Value> = errors
        .devices()
        .into_iter()
        .map(|(from, to)| {
            let figures: serde_json::Map<_, _> =
                Quantity::ALL.iter().filter_map(|q| Some((q.name().to_owned(), json!(errors.between(from, to, *q)?)))).collect();
            json!({"from": from, "to": to, "figures": figures})
        })
        .collect();
    let every: serde_json::Map<_, _> = Quantity::ALL.iter().filter_map(|q| Some((q.name().to_owned(), json!(errors.all(*q)?)))).collect();
    json!({"label": "projected", "devices": devices, "every_pair_of_gpus": every, "rows": pairs.iter().map(row).collect::<Vec<_>>(), "notes": notes(pairs)})
}

fn row(pair: &Pair<'_>) -> Value {
    let side = |row: &metric::projection::Row| json!({"machine": row.machine.name(), "work": row.work, "source": row.source});
    let held: serde_json::Map<_, _> = pair
        .held
        .iter()
        .map(|held| {
            let told = json!({"projected": held.projected, "measured": held.measured, "ratio": held.ratio()});
            (held.quantity.name().to_owned(), told)
        })
        .collect();
    json!({"model": pair.from.model, "from": side(pair.from), "to": side(pair.to), "figures": held, "notes": pair.projected.notes})
}

/// What must be said of the rows, each once.
fn notes(pairs: &[Pair<'_>]) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    let all = pairs
        .iter()
        .flat_map(|pair| [pair.from.note.clone(), pair.to.note.clone()].into_iter().flatten().chain(pair.projected.notes.clone()));
    for note in all {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    notes
}

/// The table of devices.
pub(super) fn known(devices: &Devices) -> String {
    let head = ["device", "memory, GB", "bandwidth, GB/s", "TFLOP/s, 16 bits", "idle, W", "limit, W"];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    let figure = |fact: Option<&Fact>| fact.map_or_else(|| "-".to_owned(), |fact| fact.value.to_string());
    lines.extend(devices.all().iter().map(|device| {
        let figures = facts(device).map(|(_, fact)| figure(fact));
        std::iter::once(device.name.clone()).chain(figures).collect()
    }));
    let mut text = columns(&lines) + "\n";
    for device in devices.all() {
        for (what, fact) in facts(device) {
            let Some(fact) = fact else { continue };
            let note = fact.note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
            text += &format!("{} {what}{note}: {}, {}\n", device.name, fact.cited.source, fact.cited.date);
        }
    }
    text
}

pub(super) fn known_json(devices: &Devices) -> Value {
    json!(devices)
}

fn facts(device: &Device) -> [(&'static str, Option<&Fact>); 5] {
    [
        ("memory", device.memory_gb.as_ref()),
        ("bandwidth", device.bandwidth_gb_s.as_ref()),
        ("arithmetic", device.tflops.as_ref()),
        ("idle", device.idle_w.as_ref()),
        ("limit", device.peak_w.as_ref()),
    ]
}
