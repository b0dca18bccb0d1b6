//! Distributions of the time to the first token and of the gaps between tokens (the paper's Fig. 4c).

use metric::CellView;
use record::Request;
use units::Missing;

use crate::{
    gather::Run,
    html::chart::{Axis, Chart, Drawing, Kind, LeftOut, Names, Panel, Point, Scale, Series, look_of, tasks},
};

pub(super) static CHART: Chart = Chart {
    id: "latency",
    title: "Latency: time to the first token, and gaps between tokens",
    says: "The share of all requests (or gaps) that took at most so long, over all runs; a failed request has no latency. Steep is steady; a long \
           tail to the right is what the slowest users see. The paper's Fig. 4c.",
    draw,
};

/// Shares at which a distribution is told; the last is that of the 99.5th percentile.
const STEPS: usize = 80;

type Observations = fn(&Request) -> Result<Vec<f64>, Missing>;

fn draw(run: &Run) -> Result<Drawing, Missing> {
    let names = Names::of(run);
    let mut left_out = LeftOut::default();
    let mut panels = Vec::new();
    let kinds: [(&str, Observations); 2] =
        [("time to the first token from the due time, ms", metric::ttft_ms), ("gap between tokens, ms", metric::token_gaps_ms)];
    for task in tasks(run) {
        for (title, of) in kinds {
            let series =
                run.campaign().views().filter(|view| view.cell().task == task).filter_map(|view| series(&view, &names, of, &mut left_out));
            let series = series.collect();
            let (x, y) = (Axis::new(title, Scale::Log), Axis::new("share", Scale::Linear));
            panels.push(Panel { title: task.to_owned(), x, y, series, ..Panel::default() });
        }
    }
    let why = left_out.why();
    Drawing::of(panels, left_out.notes(), || why)
}

fn series(view: &CellView<'_>, names: &Names, of: Observations, left_out: &mut LeftOut) -> Option<Series> {
    let cell = view.cell();
    let name = names.cell(cell);
    match distribution(view, of) {
        Ok(points) => Some(Series { name, kind: Kind::Line, look: look_of(cell.strategy.name()), points }),
        Err(why) => {
            left_out.add(&format!("{name} · {}", cell.task), &why);
            None
        }
    }
}

fn distribution(view: &CellView<'_>, of: Observations) -> Result<Vec<Point>, Missing> {
    let mut all = Vec::new();
    for run in &view.records.serve {
        for request in run.requests.iter().filter(|request| request.failure.is_none()) {
            all.extend(of(request)?.into_iter().filter(|ms| *ms > 0.0));
        }
    }
    if all.is_empty() {
        return Err(Missing::because("no answered request has such a time"));
    }
    all.sort_by(f64::total_cmp);
    let point = |step: usize| {
        let share = (step as f64 + 0.5) / STEPS as f64;
        Point::at(all[((share * all.len() as f64) as usize).min(all.len() - 1)], share)
    };
    Ok((0..STEPS).map(point).collect())
}
