//! Power over time (the paper's Fig. 4f).

use record::Detail;
use units::Missing;

use crate::{
    gather::Run,
    html::{
        chart::{Axis, Chart, Drawing, Kind, LeftOut, Names, Panel, Place, Point, Scale, Series, look_of, tasks},
        power::{Trace, traces},
    },
};

pub(super) static CHART: Chart = Chart {
    id: "power",
    title: "Power over a serving run",
    says: "The first run of each variant that ended well, from spawning its server. Where samples were too many, the line is the mean of a bin and \
           the band its least and most; the drill-down has the other runs. The paper's Fig. 4f.",
    draw,
};

/// Points of a trace.
const POINTS: usize = 150;

fn draw(run: &Run) -> Result<Drawing, Missing> {
    let names = Names::of(run);
    let mut left_out = LeftOut::default();
    let mut modelled = false;
    let mut panels = Vec::new();
    for task in tasks(run) {
        let mut all = Vec::new();
        for view in run.campaign().views().filter(|view| view.cell().task == task) {
            let cell = view.cell();
            let name = names.cell(cell);
            let first = view.records.serve.iter().find_map(|run| run.stage.done("serving run").ok());
            let samples = first.ok_or_else(|| Missing::because("no serving run has ended well")).and_then(|record| {
                let Detail::Serve(facts) = &record.detail else { return Err(Missing::because("its record has no serving facts")) };
                let file = facts.power_file.as_ref().ok_or_else(|| Missing::because("no power was sampled"))?;
                modelled |= record.energy.iter().any(|window| window.modelled_w_per_core.is_some());
                let samples = run.folder.read_power(file).map_err(|error| Missing::because(error.to_string()))?;
                Ok(traces(&samples, facts.spawned, POINTS))
            });
            match samples {
                Ok(traces) => {
                    let look = look_of(cell.strategy.name());
                    all.extend(traces.iter().flat_map(|trace| series(trace, &name, look, traces.len() > 1)));
                }

                Err(why) => left_out.add(&format!("{name} · {task}"), &why),
            }
        }
        let (x, y) = (Axis::new("seconds from spawning", Scale::Linear), Axis::new("power, W", Scale::Linear));
        panels.push(Panel { title: task.to_owned(), x, y, series: all, ..Panel::default() });
    }
    let why = left_out.why();
    let mut notes = left_out.notes();
    if modelled {
        notes.push("This power is modelled from CPU time, not measured.".to_owned());
    }
    Drawing::of(panels, notes, || why)
}

/// The line of a trace, and its band where it was thinned.
fn series(trace: &Trace, name: &str, look: usize, several: bool) -> Vec<Series> {
    let name = if several { format!("{name} · device {}", trace.device) } else { name.to_owned() };
    let points = trace.s.iter().zip(&trace.mean).map(|(s, w)| Point::at(*s, *w)).collect();
    let ends = trace.low.iter().zip(&trace.high);
    let band: Vec<Point> = trace
        .s
        .iter()
        .zip(&trace.mean)
        .zip(ends)
        .map(|((s, w), (low, high))| Point { x: Place::At(*s), y: Place::At(*w), y_ends: Some((*low, *high)), ..Point::default() })
        .collect();
    let line = Series { name: name.clone(), kind: Kind::Line, look, points };
    let band = (!band.is_empty()).then_some(Series { name, kind: Kind::Band, look, points: band });
    band.into_iter().chain([line]).collect()
}
