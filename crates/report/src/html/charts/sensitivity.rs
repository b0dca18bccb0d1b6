//! Which input moves break-even most: one at a time, as bars between both ends.

use econ::{BreakEven, Swing};
use units::Missing;

use super::picked;
use crate::{
    gather::Run,
    html::chart::{Axis, Chart, Drawing, Kind, LeftOut, Mark, Panel, Place, Point, Scale, Series},
    number,
};

pub(super) static CHART: Chart = Chart {
    id: "sensitivity",
    title: "What moves break-even",
    says: "Break-even of the pick with one input moved at a time: over its 95% interval where it was measured, else a fifth down and up. Inputs \
           that do not move it are left out.",
    draw,
};

fn draw(run: &Run) -> Result<Drawing, Missing> {
    let mut left_out = LeftOut::default();
    let mut panels = Vec::new();
    for (task, one) in picked(run) {
        let Some(one) = one else {
            left_out.add(task, &Missing::because("there is no pick"));
            continue;
        };
        match one.money.sensitivity.known() {
            Ok(sensitivity) => {
                let series = series(&sensitivity.swings, &mut left_out, task);
                let at = one.money.break_even.known().ok().and_then(|at| at.value.requests());
                let marks = at.map(|at| Mark { axis: "x", at, to: None, text: "as planned".into() }).into_iter().collect();
                let (x, y) = (Axis::new("N_break, requests", Scale::Log), Axis::new("", Scale::Names));
                panels.push(Panel { title: task.to_owned(), x, y, series, marks, ..Panel::default() });
            }
            Err(why) => left_out.add(task, &why),
        }
    }
    let why = left_out.why();
    Drawing::of(panels, left_out.notes(), || why)
}

/// Break-even at the lower and at the higher value of each input, the one that moves it most on top.
fn series(swings: &[Swing], left_out: &mut LeftOut, task: &str) -> Vec<Series> {
    let mut series = [("input at its lower value", 1), ("input at its higher value", 2)].map(|(name, look)| Series {
        name: name.to_owned(),
        kind: Kind::Points,
        look,
        points: Vec::new(),
    });
    for swing in swings.iter().filter(|swing| swing.effect > 0.0) {
        let digits = |value: f64| number::text(value, None, "").value;
        let name = format!("{} ({} to {})", swing.input.name(), digits(swing.low), digits(swing.high));
        let both = (swing.at_low.requests(), swing.at_high.requests());
        for (series, at) in series.iter_mut().zip([&swing.at_low, &swing.at_high]) {
            match at {
                BreakEven::After { requests } => {
                    // Both ends have the bar between them.
                    let x_ends = both.0.zip(both.1).map(|(a, b)| (a.min(b), a.max(b)));
                    let y = Place::Named(name.clone());
                    series.points.push(Point { x: Place::At(*requests), y, x_ends, ..Point::default() });
                }
                BreakEven::Never { reason } => left_out.add(&format!("{task}: {name}"), &Missing::because(reason.clone())),
            }
        }
    }
    series.into()
}
