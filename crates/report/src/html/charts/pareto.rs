//! Throughput against energy (the paper's Fig. 4b).

use units::Missing;

use crate::{
    gather::Run,
    html::chart::{Chart, Drawing, LeftOut, Panel, Quantity, Scale, scatter, tasks},
};

pub(super) static CHART: Chart = Chart {
    id: "pareto",
    title: "Throughput against energy",
    says: "Right is faster, down takes less energy for a token: the lower right edge is the frontier. The paper's Fig. 4b.",
    draw,
};

const RATE: Quantity = Quantity { metric: "throughput_tok_s", title: "throughput, tokens/s", times: 1.0, scale: Scale::Log };
const ENERGY: Quantity = Quantity { metric: "energy_per_token_j", title: "energy of an output token, J", times: 1.0, scale: Scale::Log };

fn draw(run: &Run) -> Result<Drawing, Missing> {
    let mut left_out = LeftOut::default();
    let mut panel = |task: &str| {
        let cells = run.document().cells.iter().filter(|cell| cell.task == task);
        let series = scatter(cells, &RATE, &ENERGY, &mut left_out);
        Panel { title: task.to_owned(), x: RATE.axis(), y: ENERGY.axis(), series, ..Panel::default() }
    };
    let panels = tasks(run).into_iter().map(&mut panel).collect();
    let why = left_out.why();
    Drawing::of(panels, left_out.notes(), || why)
}
