//! What quantisation keeps of the score against how much the score varies over passes (the paper's Fig. 3c).

use units::Missing;

use crate::{
    gather::Run,
    html::chart::{Chart, Drawing, LeftOut, Mark, Panel, Quantity, Scale, scatter},
};

pub(super) static CHART: Chart = Chart {
    id: "stability",
    title: "Quality and its stability",
    says: "Right keeps more of the score in full precision, down varies less from pass to pass. The paper's Fig. 3c.",
    draw,
};

const KEPT: Quantity = Quantity { metric: "q_ret", title: "Q_ret, % of the score in full precision", times: 1.0, scale: Scale::Linear };
const SPREAD: Quantity =
    Quantity { metric: "score_sd", title: "standard deviation of the score over passes", times: 1.0, scale: Scale::Linear };

fn draw(run: &Run) -> Result<Drawing, Missing> {
    let mut left_out = LeftOut::default();
    let cells = run.document().cells.iter().filter(|cell| !cell.strategy.ends_with("fp16"));
    let series = scatter(cells, &KEPT, &SPREAD, &mut left_out);
    let why = left_out.why();
    let marks = vec![Mark { axis: "x", at: 100.0, to: None, text: "all kept".into() }];
    let panel = Panel { x: KEPT.axis(), y: SPREAD.axis(), series, marks, ..Panel::default() };
    Drawing::of(vec![panel], left_out.notes(), || why)
}
