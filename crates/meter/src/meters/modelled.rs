//! The modelled meter: CPU time of the stage times a stated power of a busy core. A model, not a measurement, and labelled so
//! wherever it is shown. It reads no device: the sampler has the CPU time already. It knows nothing of memory, disks or idle
//! power, so its windows have no idle and no net figure.

use plan::MeterSpec;
use units::Watts;

use super::MeterKind;
use crate::{Basis, DeviceReading, Effort, Meter, Places};

/// The registry's entry.
pub(super) static MODELLED: MeterKind =
    MeterKind { name: "modelled", about: "CPU time of the stage times a stated power per core: a model, not a measurement", probe, open };

struct Modelled {
    w_per_core: Watts,
}

impl Meter for Modelled {
    fn basis(&self) -> Basis {
        Basis::CpuTime { w_per_core: self.w_per_core }
    }

    fn read(&mut self, _effort: Effort, _stage: &[u32]) -> Vec<DeviceReading> {
        Vec::new()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the registry's signature: other meters may not be there")]
fn probe(_places: &Places) -> Result<String, String> {
    Ok("wherever the plan states modelled_w_per_core".to_owned())
}

fn open(spec: &MeterSpec, _places: &Places) -> Result<Box<dyn Meter>, String> {
    match spec.modelled_w_per_core {
        Some(watts) if watts.is_finite() && watts > 0.0 => Ok(Box::new(Modelled { w_per_core: Watts(watts) })),
        Some(watts) => Err(format!("modelled_w_per_core = {watts} is not a power")),
        None => Err("the plan states no modelled_w_per_core".to_owned()),
    }
}
