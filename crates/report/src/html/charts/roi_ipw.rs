//! Return on investment against intelligence per watt (the paper's Fig. 3a).

use units::Missing;

use crate::{
    gather::Run,
    html::chart::{Chart, Drawing, LeftOut, Mark, Panel, Place, Quantity, Scale, Series, scatter},
};

pub(super) static CHART: Chart = Chart {
    id: "roi-ipw",
    title: "Break-even against intelligence per watt",
    says: "Left is paid back sooner, up is more score for a joule. The dashed lines are the medians: the upper left quarter is better in both. The \
           paper's Fig. 3a.",
    draw,
};

const BREAK: Quantity = Quantity { metric: "n_break", title: "N_break, requests", times: 1.0, scale: Scale::Log };
const IPW: Quantity = Quantity { metric: "ipw", title: "IPW, score per J", times: 1.0, scale: Scale::Log };

fn draw(run: &Run) -> Result<Drawing, Missing> {
    let mut left_out = LeftOut::default();
    let series = scatter(run.document().cells.iter(), &BREAK, &IPW, &mut left_out);
    let medians = [("x", median(&series, |point| &point.x)), ("y", median(&series, |point| &point.y))];
    let mark = |(axis, at): (&'static str, Option<f64>)| Some(Mark { axis, at: at?, to: None, text: "median".into() });
    let why = left_out.why();
    let panel = Panel { x: BREAK.axis(), y: IPW.axis(), marks: medians.into_iter().filter_map(mark).collect(), series, ..Panel::default() };
    Drawing::of(vec![panel], left_out.notes(), || why)
}

fn median(series: &[Series], of: fn(&crate::html::chart::Point) -> &Place) -> Option<f64> {
    let number = |place: &Place| if let Place::At(at) = place { Some(*at) } else { None };
    let mut all: Vec<f64> = series.iter().flat_map(|series| &series.points).filter_map(|point| number(of(point))).collect();
    all.sort_by(f64::total_cmp);
    let middle = all.len() / 2;
    if all.len() < 4 {
        None
    } else if all.len() % 2 == 1 {
        Some(all[middle])
    } else {
        Some(f64::midpoint(all[middle - 1], all[middle]))
    }
}
