//! The projections of a run as text and as JSON: every projected row says so, beside the measured one.

use metric::{
    Campaign, CellView,
    projection::{Devices, Errors, Machine, Projected, Quantity, Recorded, project, recorded},
};
use plan::Cell;
use serde_json::{Value, json};
use units::Missing;

use crate::print::{columns, digits};

/// Every cell at every level, with its projections.
pub(super) struct Shown<'a> {
    run: &'a str,
    errors: &'a Errors,
    rows: Vec<Row>,
}

struct Row {
    cell: Cell,
    streams: u32,
    measured: Result<Recorded, Missing>,
    projected: Vec<(Machine, Projected)>,
}

impl<'a> Shown<'a> {
    pub(super) fn of(campaign: &'a Campaign, devices: &Devices, from: Option<&Machine>, to: &[Machine], errors: &'a Errors) -> Self {
        let mut rows = Vec::new();
        for view in campaign.views() {
            let mut levels = view.levels();
            if levels.is_empty() {
                levels.push(campaign.plan.load.concurrency);
            }
            for streams in levels {
                let records = view.at_level(streams);
                let measured = recorded(&CellView { campaign, records: &records }, devices, from);
                let each = |known: &Recorded| {
                    let on = |to: &Machine| (to.clone(), project((&known.machine, &known.work), &known.seen, (to, &known.work)));
                    to.iter().map(on).collect()
                };
                let projected = measured.as_ref().map(each).unwrap_or_default();
                rows.push(Row { cell: view.cell().clone(), streams, measured, projected });
            }
        }
        Self { run: &campaign.plan.name, errors, rows }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether anything could be projected.
    pub(super) fn has_any(&self) -> bool {
        let any = |projected: &Projected| projected.figures.iter().any(|(_, figure)| figure.is_ok());
        self.rows.iter().any(|row| row.projected.iter().any(|(_, projected)| any(projected)))
    }

    pub(super) fn text(&self) -> String {
        let head = ["variant", "streams", "device", "", "TTFT, ms", "ITL, ms", "tokens/s", "W", "J/token"];
        let mut lines = vec![head.map(str::to_owned).to_vec()];
        let mut notes: Vec<String> = Vec::new();
        let mut say = |note: String| {
            if !notes.contains(&note) {
                notes.push(note);
            }
        };
        for row in &self.rows {
            let name = row.name();
            let known = match &row.measured {
                Ok(known) => known,
                Err(why) => {
                    say(format!("{name} at {} streams: {why}", row.streams));
                    continue;
                }
            };
            let mut line = vec![name.clone(), row.streams.to_string(), known.machine.name(), "measured".to_owned()];
            line.extend(Quantity::ALL.iter().map(|q| known.seen.of(*q).map_or_else(|_| "-".to_owned(), digits)));
            lines.push(line);
            known.notes.iter().for_each(|note| say(format!("{name}: {note}")));
            for (machine, projected) in &row.projected {
                let mut line = vec![name.clone(), row.streams.to_string(), machine.name(), "projected".to_owned()];
                line.extend(Quantity::ALL.iter().map(|q| self.figure(known, machine, projected, *q)));
                lines.push(line);
                projected.notes.iter().for_each(|note| say(note.clone()));
                let whys = projected.figures.iter().filter_map(|(_, figure)| figure.as_ref().err());
                whys.for_each(|why| say(format!("{name} on {}: {why}", machine.name())));
                say(self.errors.told(&known.machine.device.name, &machine.device.name));
            }
        }
        let mut text = columns(&lines);
        text +=
            "\nIn brackets: the projection with the errors that were seen where both devices were measured (edge-eval project --check).\n";
        for note in notes {
            text += &format!("note: {note}\n");
        }
        text
    }

    fn figure(&self, known: &Recorded, machine: &Machine, projected: &Projected, quantity: Quantity) -> String {
        let Ok(span) = projected.of(quantity) else { return "-".to_owned() };
        let band = self.errors.band(&known.machine.device.name, &machine.device.name, quantity);
        let band = band.map(|(band, _)| band.around(span.value));
        let band = band.map_or_else(String::new, |(low, high)| format!(" [{}, {}]", digits(low), digits(high)));
        format!("{}{band}", digits(span.value))
    }

    pub(super) fn json(&self) -> Value {
        json!({"run": self.run, "model": "roofline", "rows": self.rows.iter().map(|row| self.row(row)).collect::<Vec<_>>()})
    }

    fn row(&self, row: &Row) -> Value {
        let cell = &row.cell;
        let measured = match &row.measured {
            Err(why) => json!({"missing": why.to_string()}),
            Ok(known) => {
                let figures: serde_json::Map<_, _> = Quantity::ALL
                    .iter()
                    .map(|q| (q.name().to_owned(), told(known.seen.of(*q).map(|value| json!({"value": value})))))
                    .collect();
                json!({"label": "measured", "machine": known.machine.name(), "work": known.work, "figures": figures, "notes": known.notes})
            }
        };
        let projected: Vec<Value> = row.projected.iter().map(|(machine, there)| self.projected(row, machine, there)).collect();
        json!({
            "task": cell.task, "family": cell.family, "tier": cell.tier, "strategy": cell.strategy.name(), "engine": cell.engine,
            "streams": row.streams, "measured": measured, "projected": projected,
        })
    }

    fn projected(&self, row: &Row, machine: &Machine, there: &Projected) -> Value {
        let from = row.measured.as_ref().map(|known| known.machine.device.name.clone()).unwrap_or_default();
        let figure = |quantity: Quantity| {
            there.of(quantity).map(|span| {
                let band = self.errors.band(&from, &machine.device.name, quantity);
                let band = band.map(|(band, own)| {
                    let (low, high) = band.around(span.value);
                    json!({"low": low, "high": high, "rows": band.n, "of": if own { "this pair of devices" } else { "every pair of GPUs" }})
                });
                json!({"value": span.value, "if_all_scales": span.scales, "if_the_rest_stays": span.stays, "band": band})
            })
        };
        let figures: serde_json::Map<_, _> = Quantity::ALL.iter().map(|q| (q.name().to_owned(), told(figure(*q)))).collect();
        json!({
            "label": "projected", "machine": machine.name(), "fits": there.fit.fits(), "needed_bytes": there.fit.needed_bytes,
            "memory_bytes": there.fit.memory_bytes.clone().ok(), "figures": figures, "notes": there.notes,
            "error": self.errors.told(&from, &machine.device.name),
        })
    }
}

impl Row {
    fn name(&self) -> String {
        let cell = &self.cell;
        format!("{} {} {} {} on {}", cell.task, cell.family, cell.tier, cell.strategy.name(), cell.engine)
    }
}

fn told(figure: Result<Value, Missing>) -> Value {
    figure.unwrap_or_else(|why| json!({"missing": why.to_string()}))
}
