//! The score on every task at once (the paper's Fig. 4a).

use units::Missing;

use crate::{
    document::CellFigures,
    gather::Run,
    html::chart::{Axis, Chart, Drawing, Kind, LeftOut, Panel, Place, Point, Quantity, Scale, Series, cell_name, look_of, tasks},
};

pub(super) static CHART: Chart = Chart {
    id: "radar",
    title: "Score on every task",
    says: "Each spoke is a task with its own mark, from 0 in the centre to 1: shapes compare variants, not tasks. The paper's Fig. 4a.",
    draw,
};

const SCORE: Quantity = Quantity { metric: "score", title: "score, 0 to 1", times: 1.0, scale: Scale::Linear };

fn draw(run: &Run) -> Result<Drawing, Missing> {
    let tasks = tasks(run);
    if tasks.len() < 3 {
        return Err(Missing::because(format!(
            "the plan has {} tasks, and a shape needs three; their scores stand in the tables",
            tasks.len()
        )));
    }
    let mut left_out = LeftOut::default();
    let mut models: Vec<(String, &str)> = Vec::new();
    for cell in &run.document().cells {
        if !models.contains(&(cell.model(), &cell.engine)) {
            models.push((cell.model(), &cell.engine));
        }
    }
    let mut panel = |(model, engine): &(String, &str)| {
        let of_model = |cell: &&CellFigures| cell.model() == *model && cell.engine == *engine;
        let mut series: Vec<Series> = Vec::new();
        for cell in run.document().cells.iter().filter(of_model) {
            match SCORE.of(cell) {
                Ok((value, y_ends)) => {
                    let spoke = if cell.mark.is_empty() { cell.task.clone() } else { format!("{} ({})", cell.task, cell.mark) };
                    let point = Point { x: Place::Named(spoke), y: Place::At(value), y_ends, ..Point::default() };
                    match series.iter_mut().find(|series| series.name == cell.strategy) {
                        Some(series) => series.points.push(point),
                        None => series.push(Series {
                            name: cell.strategy.clone(),
                            kind: Kind::Line,
                            look: look_of(&cell.strategy),
                            points: vec![point],
                        }),
                    }
                }
                Err(why) => left_out.add(&cell_name(cell), &why),
            }
        }
        // A shape without one of its corners would be another shape.
        series.retain(|series| series.points.len() == tasks.len());
        let title = format!("{model} on {engine}");
        Panel { title, x: Axis::new("task", Scale::Names), y: SCORE.axis(), series, radar: true, ..Panel::default() }
    };
    let panels = models.iter().map(&mut panel).collect();
    let why = left_out.why();
    Drawing::of(panels, left_out.notes(), || why)
}
