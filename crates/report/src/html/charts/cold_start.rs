//! Where the time of a cold start goes (the paper's Fig. 4d).

use record::StageRecord;
use units::Missing;

use crate::{
    gather::Run,
    html::chart::{Axis, Chart, Drawing, Kind, LeftOut, Names, Panel, Place, Point, Scale, Series, tasks},
};

pub(super) static CHART: Chart = Chart {
    id: "cold-start",
    title: "Phases of a cold start",
    says: "Mean time over the runs from spawning the server to the first token of the first request, by what it did. Whether the weights came from \
           disk or from the page cache stands with the cold-start tax. The paper's Fig. 4d.",
    draw,
};

/// The phases as the campaign names them, each with what it is.
const PHASES: &[(&str, &str)] = &[
    ("load.spawn", "spawn: until the program runs"),
    ("load.read", "read: until it has read the weights"),
    ("load.ready", "ready: until it answers"),
    ("load.first_token", "first token"),
];

fn draw(run: &Run) -> Result<Drawing, Missing> {
    let names = Names::of(run);
    let mut left_out = LeftOut::default();
    let mut panels = Vec::new();
    for task in tasks(run) {
        let mut series: Vec<Series> = PHASES
            .iter()
            .enumerate()
            .map(|(look, (_, name))| Series { name: (*name).to_owned(), kind: Kind::Stack, look: look + 1, points: Vec::new() })
            .collect();
        for view in run.campaign().views().filter(|view| view.cell().task == task) {
            let cell = view.cell();
            let name = names.cell(cell);
            let done: Vec<&StageRecord> = view.records.serve.iter().filter_map(|run| run.stage.done("serving run").ok()).collect();
            if done.is_empty() {
                let why = view.records.serve.first().and_then(|run| run.stage.done("serving run").err());
                left_out.add(&name, &why.unwrap_or_else(|| Missing::because("no serving run is planned")));
            }
            for ((phase, _), series) in PHASES.iter().zip(&mut series) {
                if let Some(seconds) = mean(&done, phase) {
                    series.points.push(Point { x: Place::At(seconds), y: Place::Named(name.clone()), ..Point::default() });
                }
            }
        }
        let (x, y) = (Axis::new("seconds", Scale::Linear), Axis::new("", Scale::Names));
        panels.push(Panel { title: task.to_owned(), x, y, series, ..Panel::default() });
    }
    let why = left_out.why();
    Drawing::of(panels, left_out.notes(), || why)
}

/// Mean length of a phase over the runs that tell it.
fn mean(runs: &[&StageRecord], phase: &str) -> Option<f64> {
    let spans = runs.iter().flat_map(|record| &record.energy).filter(|window| window.name == phase);
    let seconds: Vec<f64> = spans.map(|window| window.end.since(window.start).get()).collect();
    (!seconds.is_empty()).then(|| seconds.iter().sum::<f64>() / seconds.len() as f64)
}
