//! Throughput and latency against concurrency.

use units::Missing;

use crate::{
    document::CellFigures,
    gather::Run,
    html::chart::{Axis, Chart, Drawing, Kind, LeftOut, Names, Panel, Place, Point, Quantity, Scale, Series, cell_name, look_of, tasks},
};

pub(super) static CHART: Chart = Chart {
    id: "load",
    title: "Load curve: throughput and latency against concurrency",
    says: "More streams at once bring more tokens a second until the machine is full; from there they only wait longer.",
    draw,
};

const RATE: Quantity = Quantity { metric: "throughput_tok_s", title: "throughput, tokens/s", times: 1.0, scale: Scale::Log };
const FIRST: Quantity = Quantity { metric: "ttft_ms", title: "time to the first token, ms", times: 1.0, scale: Scale::Log };

fn draw(run: &Run) -> Result<Drawing, Missing> {
    against_concurrency(run, &[RATE, FIRST])
}

/// Figures against streams, a line a variant.
///
/// # Errors
/// The plan has one level of concurrency only, or nothing is known.
pub(super) fn against_concurrency(run: &Run, of: &[Quantity]) -> Result<Drawing, Missing> {
    let levels = &run.document().levels;
    if levels.is_empty() {
        return Err(Missing::because("the plan has one level of concurrency; `concurrency = [1, 2, 4, 8]` in its [load] makes a curve"));
    }
    let names = Names::of(run);
    let mut left_out = LeftOut::default();
    let mut panels = Vec::new();
    for task in tasks(run) {
        for y in of {
            let cells = levels.chunk_by(CellFigures::is_of).filter(|cell| cell[0].task == task);
            let series = cells.map(|cell| series(cell, y, &names, &mut left_out)).collect();
            panels.push(Panel { title: task.to_owned(), x: Axis::new("streams", Scale::Log), y: y.axis(), series, ..Panel::default() });
        }
    }
    let why = left_out.why();
    Drawing::of(panels, left_out.notes(), || why)
}

fn series(cell: &[CellFigures], y: &Quantity, names: &Names, left_out: &mut LeftOut) -> Series {
    let mut points = Vec::new();
    for level in cell {
        let Some(streams) = level.concurrency else { continue };
        match y.of(level) {
            Ok((value, y_ends)) => points.push(Point { x: Place::At(f64::from(streams)), y: Place::At(value), y_ends, ..Point::default() }),
            Err(why) => left_out.add(&format!("{} at {streams} streams", cell_name(level)), &why),
        }
    }
    let first = &cell[0];
    let name = names.variant(&first.family, &first.tier, &first.strategy, &first.engine);
    Series { name, kind: Kind::Line, look: look_of(&first.strategy), points }
}
