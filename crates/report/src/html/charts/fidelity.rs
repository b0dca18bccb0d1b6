//! What quantisation keeps of the score, beside `MLPerf`'s gates (the paper's Fig. 4e).

use units::Missing;

use crate::{
    gather::Run,
    html::chart::{Axis, Chart, Drawing, Kind, LeftOut, Mark, Names, Panel, Place, Point, Quantity, Scale, Series, cell_name, look_of},
};

pub(super) static CHART: Chart = Chart {
    id: "fidelity",
    title: "Fidelity of quantisation, with gates",
    says: "Score kept on the same items, paired. A gate is met when the whole interval is right of it, failed when it is left of it, and \
           inconclusive when it crosses it: then the tables say how many items would settle it. The paper's Fig. 4e.",
    draw,
};

const KEPT: Quantity = Quantity { metric: "q_ret", title: "Q_ret, % of the score in full precision", times: 1.0, scale: Scale::Linear };

fn draw(run: &Run) -> Result<Drawing, Missing> {
    let names = Names::of(run);
    let mut left_out = LeftOut::default();
    let mut series: Vec<Series> = Vec::new();
    for cell in run.document().cells.iter().filter(|cell| !cell.strategy.ends_with("fp16")) {
        match KEPT.of(cell) {
            Ok((value, x_ends)) => {
                let name = format!("{} · {}", cell.task, names.variant(&cell.family, &cell.tier, &cell.strategy, &cell.engine));
                let verdicts: Vec<&str> =
                    cell.metrics["q_ret"].notes.iter().filter(|note| note.contains("gate")).map(String::as_str).collect();
                let point = Point { x: Place::At(value), y: Place::Named(name), x_ends, of: verdicts.join("; "), ..Point::default() };
                match series.iter_mut().find(|series| series.name == cell.strategy) {
                    Some(series) => series.points.push(point),
                    None => series.push(Series {
                        name: cell.strategy.clone(),
                        kind: Kind::Points,
                        look: look_of(&cell.strategy),
                        points: vec![point],
                    }),
                }
            }
            Err(why) => left_out.add(&cell_name(cell), &why),
        }
    }
    let marks = [(99.0, "99%"), (99.9, "99.9%")].map(|(at, text)| Mark { axis: "x", at, to: None, text: format!("{text} gate") });
    let why = left_out.why();
    let panel = Panel { x: KEPT.axis(), y: Axis::new("", Scale::Names), series, marks: marks.into(), ..Panel::default() };
    Drawing::of(vec![panel], left_out.notes(), || why)
}
