//! The frontier of cost and score, with intervals: who is dominated beyond them, and who is not.

use metric::{Candidate, Standing};
use units::Missing;

use crate::{
    gather::Run,
    html::{
        chart::{Axis, Chart, Drawing, Kind, LeftOut, Panel, Place, Point, Scale, Series},
        words,
    },
};

pub(super) static CHART: Chart = Chart {
    id: "frontier",
    title: "Frontier of cost and score",
    says: "Left is cheaper, up is better. A variant is dominated when another is no worse in cost, score and energy, and better in one, beyond the \
           intervals; what is on the frontier is a choice between more score and less money.",
    draw,
};

fn draw(run: &Run) -> Result<Drawing, Missing> {
    let mut left_out = LeftOut::default();
    let panels = run.advice().iter().map(|advice| {
        let mut series = ["on the frontier", "dominated", "pick"].map(|name| Series {
            name: name.to_owned(),
            kind: Kind::Points,
            look: 0,
            points: Vec::new(),
        });
        for (series, look) in series.iter_mut().zip([3, 7, 1]) {
            series.look = look;
        }
        for (i, one) in advice.candidates.iter().enumerate() {
            let place = match &one.standing {
                _ if advice.pick == Some(i) => 2,
                Some(Standing::Frontier { .. }) => 0,
                _ => 1,
            };
            match point(one) {
                Ok(point) => series[place].points.push(point),
                Err(why) => left_out.add(&words::variant(&one.cell), &why),
            }
        }
        let (x, y) = (Axis::new("cost of a request by use, USD", Scale::Log), Axis::new("score, 0 to 1", Scale::Linear));
        Panel { title: advice.task.clone(), x, y, series: series.into(), ..Panel::default() }
    });
    let panels = panels.collect();
    let why = left_out.why();
    Drawing::of(panels, left_out.notes(), || why)
}

fn point(one: &Candidate) -> Result<Point, Missing> {
    let (cost, score) = (one.objectives[0].as_ref().map_err(Clone::clone)?, one.objectives[1].as_ref().map_err(Clone::clone)?);
    if cost.value <= 0.0 {
        return Err(Missing::because(format!("a request costs {} USD, which a log axis has no place for", cost.value)));
    }
    Ok(Point { x: Place::At(cost.value), y: Place::At(score.value), x_ends: cost.ci95, y_ends: score.ci95, of: words::variant(&one.cell) })
}
