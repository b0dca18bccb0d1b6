//! Power of the devices with nothing of the stage running: what the stage's gross energy is set against.

use std::{collections::BTreeMap, time::Duration};

use units::{Missing, Reading, Seconds, Watts};

use crate::{Metering, Places, Result, Sampler};

/// Idle power by device, or why it is not known.
#[derive(Clone, Debug, PartialEq)]
pub struct Idle(pub Reading<BTreeMap<u32, Watts>>);

impl Idle {
    /// Not measured, for this reason.
    pub fn missing(reason: impl Into<String>) -> Self {
        Self(Reading::missing(reason))
    }

    /// Idle power of some of the devices together.
    pub(crate) fn of(&self, devices: &[u32]) -> Reading<Watts> {
        let sum = |known: &BTreeMap<u32, Watts>| {
            let each = devices.iter().map(|device| known.get(device).copied().ok_or_else(|| unmeasured(*device)));
            each.sum::<std::result::Result<Watts, Missing>>()
        };
        self.0.known().and_then(sum).into()
    }
}

fn unmeasured(device: u32) -> Missing {
    Missing(format!("the idle power of device {device} was not measured"))
}

/// Measures idle power for so long, with nothing running; blocks meanwhile. A campaign that starts its sampler before the
/// stage has the same from [`crate::Trace::idle`], without a second meter.
///
/// # Errors
/// The sampler's thread cannot be started.
pub fn measure_idle(metering: Metering, places: &Places, interval: Duration, duration: Duration) -> Result<Idle> {
    let sampler = Sampler::start(metering, places, interval)?;
    let start = record::clock::now();
    std::thread::sleep(duration);
    let end = record::clock::now();
    let trace = sampler.stop(None::<Seconds>);
    Ok(trace.idle(start, end))
}
