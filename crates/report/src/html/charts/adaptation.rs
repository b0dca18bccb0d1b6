//! What adapting takes: memory against energy (the paper's Fig. 1).

use units::Missing;

use crate::{
    gather::Run,
    html::chart::{Chart, Drawing, LeftOut, Panel, Quantity, Scale, scatter},
};

pub(super) static CHART: Chart = Chart {
    id: "adaptation",
    title: "Adaptation: memory against energy",
    says: "QLoRA saves memory; whether it saves energy is another question, and only pairs that differ in the method alone answer it (see the \
           warnings). The paper's Fig. 1.",
    draw,
};

const MEMORY: Quantity =
    Quantity { metric: "train_peak_memory_bytes", title: "peak memory of the adaptation, GB", times: 1e-9, scale: Scale::Linear };
const ENERGY: Quantity = Quantity { metric: "train_energy_j", title: "energy of the adaptation, J", times: 1.0, scale: Scale::Log };

fn draw(run: &Run) -> Result<Drawing, Missing> {
    let mut left_out = LeftOut::default();
    // Quantised variants stand on the adaptation of the one in full precision.
    let cells = run.document().cells.iter().filter(|cell| ["lora-fp16", "qlora-int4"].contains(&cell.strategy.as_str()));
    let mut series = scatter(cells, &MEMORY, &ENERGY, &mut left_out);
    for series in &mut series {
        if series.name == "qlora-int4" { "QLoRA" } else { "LoRA" }.clone_into(&mut series.name);
    }
    let why = left_out.why();
    let panel = Panel { x: MEMORY.axis(), y: ENERGY.axis(), series, ..Panel::default() };
    Drawing::of(vec![panel], left_out.notes(), || why)
}
