//! System density by model and precision (the paper's Fig. 3b).

use plan::Strategy;
use units::Missing;

use crate::{
    gather::Run,
    html::chart::{Axis, Chart, Drawing, Kind, LeftOut, Panel, Place, Point, Quantity, Scale, Series, cell_name, look_of, tasks},
};

pub(super) static CHART: Chart = Chart {
    id: "density",
    title: "System density by model and precision",
    says: "Tokens a second for each GB of peak memory: how much service a machine's memory holds. The paper's Fig. 3b.",
    draw,
};

const DENSITY: Quantity = Quantity { metric: "rho_sys", title: "ρ_sys, tokens/s/GB", times: 1.0, scale: Scale::Linear };

fn draw(run: &Run) -> Result<Drawing, Missing> {
    let mut left_out = LeftOut::default();
    let mut panel = |task: &str| {
        let mut series: Vec<Series> = Strategy::ALL
            .iter()
            .map(|one| Series { name: one.name().to_owned(), kind: Kind::Bars, look: look_of(one.name()), points: Vec::new() })
            .collect();
        for cell in run.document().cells.iter().filter(|cell| cell.task == task) {
            match (DENSITY.of(cell), series.get_mut(look_of(&cell.strategy))) {
                (Ok((value, y_ends)), Some(series)) => {
                    let x = Place::Named(format!("{}, {}", cell.model(), cell.engine));
                    series.points.push(Point { x, y: Place::At(value), y_ends, ..Point::default() });
                }
                (Err(why), _) => left_out.add(&cell_name(cell), &why),
                (Ok(_), None) => {}
            }
        }
        Panel { title: task.to_owned(), x: Axis::new("model, engine", Scale::Names), y: DENSITY.axis(), series, ..Panel::default() }
    };
    let panels = tasks(run).into_iter().map(&mut panel).collect();
    let why = left_out.why();
    Drawing::of(panels, left_out.notes(), || why)
}
