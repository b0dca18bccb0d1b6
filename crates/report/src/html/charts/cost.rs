//! Cumulative cost against requests, with the break-even band.

use econ::{BreakEven, CurvePoint, Range};
use metric::economics::Economics;
use units::Missing;

use super::picked;
use crate::{
    gather::Run,
    html::chart::{Axis, Chart, Drawing, HOSTED, Kind, LeftOut, Mark, Names, Panel, Place, Point, Scale, Series, look_of},
};

pub(super) static CHART: Chart = Chart {
    id: "cost",
    title: "Cost against requests",
    says: "What the hosted model and the pick of each task have cost after so many requests; one's own begins with its making. Where the lines cross \
           it has paid for itself. Bands take every cost at its end at once, and are therefore wider than 95%.",
    draw,
};

fn draw(run: &Run) -> Result<Drawing, Missing> {
    let names = Names::of(run);
    let mut left_out = LeftOut::default();
    let mut panels = Vec::new();
    for (task, one) in picked(run) {
        let Some(one) = one else {
            left_out.add(task, &Missing::because("there is no pick"));
            continue;
        };
        match one.money.over_requests.known() {
            Ok(curve) => {
                let own = names.variant(&one.family, &one.tier, &one.strategy, &one.engine);
                let series = [lines(&one.hosted, HOSTED, curve, |at| &at.api), lines(&own, look_of(&one.strategy), curve, |at| &at.own)];
                let (x, y) = (Axis::new("requests", Scale::Linear), Axis::new("cost so far, USD", Scale::Linear));
                panels.push(Panel { title: task.to_owned(), x, y, series: series.concat(), marks: marks(&one.money), ..Panel::default() });
            }
            Err(why) => left_out.add(task, &why),
        }
    }
    let why = left_out.why();
    Drawing::of(panels, left_out.notes(), || why)
}

/// A line and the band around it.
fn lines(name: &str, look: usize, curve: &[CurvePoint], of: fn(&CurvePoint) -> &Range) -> Vec<Series> {
    let point = |at: &CurvePoint| {
        let range = of(at);
        let y_ends = (range.low() < range.high()).then(|| (range.low(), range.high()));
        Point { x: Place::At(at.requests), y: Place::At(range.value()), y_ends, ..Point::default() }
    };
    let points: Vec<Point> = curve.iter().map(point).collect();
    let band: Vec<Point> = points.iter().filter(|point| point.y_ends.is_some()).cloned().collect();
    let line = points.into_iter().map(|point| Point { y_ends: None, ..point }).collect();
    let series = |kind, points| Series { name: name.to_owned(), kind, look, points };
    [series(Kind::Band, band), series(Kind::Line, line)].into_iter().filter(|series| !series.points.is_empty()).collect()
}

/// Break-even and the span in which it may lie.
fn marks(money: &Economics) -> Vec<Mark> {
    let Ok(at) = money.break_even.known() else { return Vec::new() };
    let BreakEven::After { requests } = at.value else { return Vec::new() };
    let mut marks = Vec::new();
    if let (Some(early), Some(late)) = (at.earliest.requests(), at.latest.requests())
        && early < late
    {
        marks.push(Mark { axis: "x", at: early, to: Some(late), text: String::new() });
    }
    marks.push(Mark { axis: "x", at: requests, to: None, text: "break-even".into() });
    marks
}
