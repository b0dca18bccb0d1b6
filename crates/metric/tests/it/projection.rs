//! What a projection reads out of hand-made records: 1 GB of weights, prompts of 100 and answers of 6 tokens, one stream, 20 ms a token.

use metric::{
    Campaign, CellView,
    projection::{Devices, Quantity, Recorded, project, recorded},
};
use record::{EnergySource, GpuState, Phase};
use serde_json::json;
use units::{Bytes, Nanos, Reading};

use crate::records::{campaign, edit};

pub(crate) fn toy() -> Devices {
    let text = r#"
        [sources]
        toy = { title = "round figures", date = "2026-01-01" }
        [[devices]]
        name = "Big"
        aliases = ["NVIDIA Big 80GB"]
        memory_gb = { value = 80, source = "toy" }
        bandwidth_gb_s = { value = 100, source = "toy" }
        tflops = { value = 10, source = "toy" }
        idle_w = { value = 100, source = "toy" }
        peak_w = { value = 1000, source = "toy" }
        [[devices]]
        name = "Tiny"
        memory_gb = { value = 0.5, source = "toy" }
        bandwidth_gb_s = { value = 10, source = "toy" }
        [[devices]]
        name = "Slow"
        memory_gb = { value = 8, source = "toy" }
        bandwidth_gb_s = { value = 50, source = "toy" }
        tflops = { value = 5, source = "toy" }
        idle_w = { value = 10, source = "toy" }
        peak_w = { value = 100, source = "toy" }
    "#;
    Devices::read(text, "toy").unwrap()
}

/// The records, metered on so many GPUs of that name.
pub(crate) fn on(name: &str, count: u32) -> Campaign {
    let mut campaign = campaign();
    for records in &mut campaign.cells {
        for run in &mut records.serve {
            edit(&mut run.stage, |record| {
                let gpu = |index| GpuState { index, name: name.to_owned(), ..GpuState::default() };
                for window in &mut record.energy {
                    window.gpus = (0..count).map(gpu).collect();
                }
            });
        }
    }
    campaign
}

fn read(campaign: &Campaign, cell: usize) -> Result<Recorded, String> {
    recorded(&CellView { campaign, records: &campaign.cells[cell] }, &toy(), None).map_err(|why| why.to_string())
}

#[test]
fn a_cells_work_and_machine() {
    let known = read(&on("NVIDIA Big 80GB", 1), 1).unwrap();
    assert_eq!((known.machine.name().as_str(), known.work.streams), ("Big", 1.0));
    assert_eq!((known.work.prompt_tokens, known.work.output_tokens), (Some(100.0), 6.0));
    // 1 GB in memory; 0.5 GB on disk are 2.5·10⁸ parameters in 16 bits.
    assert_eq!((known.work.weights_bytes, known.work.parameters), (1e9, Some(2.5e8)));
    assert_eq!(known.work.kv_bytes_per_token, None);
    let near = |got: Result<f64, units::Missing>, want: f64| assert!((got.unwrap() - want).abs() < 1e-9 * want, "{want}");
    near(known.seen.itl_ms.clone(), 20.0);
    near(known.seen.ttft_ms.clone(), 100.0);
    near(known.seen.tokens_per_s.clone(), 24.0);
    // 400, 440 and 360 J for 24 tokens.
    near(known.seen.joules_per_token.clone(), 400.0 / 24.0);
    near(known.seen.of(Quantity::PowerW), 400.0);
    assert_eq!(read(&on("NVIDIA Big 80GB", 2), 1).unwrap().machine.name(), "2 × Big");
    // Quantised weights have as many parameters as those of their 16-bit sibling.
    assert_eq!(read(&on("NVIDIA Big 80GB", 1), 2).unwrap().work.parameters, Some(2.5e8));
}

#[test]
fn a_projection_of_a_cell_by_hand() {
    let known = read(&on("NVIDIA Big 80GB", 1), 1).unwrap();
    let slow = toy().machine("Slow").unwrap();
    let projected = project((&known.machine, &known.work), &known.seen, (&slow, &known.work));
    // A step takes 10 ms of 100 GB/s and 20 of 50: 20 ms · 2, or 10 ms beyond it.
    let itl = projected.of(Quantity::ItlMs).unwrap();
    assert!((itl.scales - 40.0).abs() < 1e-9 && (itl.stays - 30.0).abs() < 1e-9, "{itl:?}");
    // A third of the way from 100 to 1000 W: 10 + 90 / 3.
    assert!((projected.of(Quantity::PowerW).unwrap().scales - 40.0).abs() < 1e-9);
    let tiny = toy().machine("Tiny").unwrap();
    let none = project((&known.machine, &known.work), &known.seen, (&tiny, &known.work));
    assert!(none.of(Quantity::TokensPerS).unwrap_err().to_string().starts_with("does not fit: 1.0 GB"));
}

#[test]
fn the_cache_in_use_is_that_of_the_level() {
    let mut campaign = on("NVIDIA Big 80GB", 1);
    for run in &mut campaign.cells[1].serve {
        let facts = json!({"kv_used_peak_bytes": 212e6, "at_4_streams": {"kv_used_peak_bytes": 1e9}});
        let facts = facts.as_object().unwrap().clone();
        edit(&mut run.stage, |record| record.phases.push(Phase { phase: "engine".into(), at: Nanos(0), facts }));
    }
    // 212·10⁶ bytes for one stream of 106 tokens.
    assert_eq!(read(&campaign, 1).unwrap().work.kv_bytes_per_token, Some(2e6));
}

#[test]
fn what_is_not_told_is_missing() {
    assert!(read(&campaign(), 1).unwrap_err().contains("--from"));
    assert!(read(&on("Voodoo 2", 1), 1).unwrap_err().contains("the table of devices has no `Voodoo 2`"));
    let mut mixed = on("NVIDIA Big 80GB", 1);
    edit(&mut mixed.cells[1].serve[1].stage, |record| {
        for window in &mut record.energy {
            window.gpus[0].name = "Slow".into();
        }
    });
    assert!(read(&mixed, 1).unwrap_err().contains("different GPUs"));
    // Modelled energy is no power to carry over; speed is.
    let mut modelled = on("NVIDIA Big 80GB", 1);
    for run in &mut modelled.cells[1].serve {
        edit(&mut run.stage, |record| {
            record.energy.iter_mut().for_each(|window| window.source = Some(EnergySource::Modelled));
        });
    }
    let known = read(&modelled, 1).unwrap();
    assert!(known.seen.joules_per_token.unwrap_err().to_string().contains("modelled") && known.seen.tokens_per_s.is_ok());
}

#[test]
fn a_machine_can_be_said_and_weights_on_disk_stand_in() {
    let mut campaign = campaign();
    for run in &mut campaign.cells[1].serve {
        edit(&mut run.stage, |record| {
            let record::Detail::Serve(facts) = &mut record.detail else { panic!("no serving run") };
            facts.weights_memory = Reading::missing("not told");
            facts.weights_disk = Bytes(700_000_000);
        });
    }
    let view = CellView { campaign: &campaign, records: &campaign.cells[1] };
    let known = recorded(&view, &toy(), Some(&toy().machine("Big").unwrap())).unwrap();
    assert_eq!((known.machine.name().as_str(), known.work.weights_bytes), ("Big", 7e8));
    assert!(known.notes.iter().any(|note| note.contains("on disk")), "{:?}", known.notes);
}
