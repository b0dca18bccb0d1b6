//! An examination of the meters themselves: how often a device's values change, what reading them costs, and how far counter and
//! integral are apart over windows of several lengths under a known load.
//!
//! Pure functions from raw readings to figures, beside [`watch`], which takes the readings. It makes no load and prints nothing.

mod residual;
mod ticks;
mod verdict;
mod watch;

use record::Machine;
use serde::{Deserialize, Serialize};
use stats::Sample;
use units::{Nanos, Reading, Watts};

pub use residual::{Repeatability, Residual, repeatability, residuals};
pub use ticks::{Tick, changes, period, ticks};
pub use verdict::{Usable, usable};
pub use watch::{RawRead, Watched, watch};

/// The version of a certificate's file.
pub const SCHEMA: &str = "edge-eval/energy-certificate/1";

/// What an examination found, as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// [`SCHEMA`].
    pub schema: String,
    /// Wall time of the examination.
    pub made_at: Nanos,
    /// Where.
    pub machine: Machine,
    /// What each meter offers here, or why nothing.
    pub meters: Vec<Found>,
    /// Every device that was examined.
    pub devices: Vec<Device>,
    /// The clock behind the modelled meter: its smallest step, in seconds.
    pub cpu_clock_resolution_s: Reading<f64>,
    /// What the sampler itself costs.
    pub sampler: SamplerCost,
}

/// One meter of the registry on this machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Its name.
    pub meter: String,
    /// What it offers, or why nothing.
    pub offers: Reading<String>,
}

/// What was found of one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// The meter's name.
    pub meter: String,
    /// GPU index or package number.
    pub device: u32,
    /// Product name, where the device tells it.
    pub name: Option<String>,
    /// Time between two changes of the energy counter.
    pub counter_tick_s: Reading<Spread>,
    /// Duration of one read of the counter.
    pub counter_call_s: Reading<Spread>,
    /// Time between two changes of the instantaneous power.
    pub instant_refresh_s: Reading<Spread>,
    /// Duration of one read of it.
    pub instant_call_s: Reading<Spread>,
    /// Time between two changes of the device's averaged power.
    pub average_refresh_s: Reading<Spread>,
    /// Duration of one read of it.
    pub average_call_s: Reading<Spread>,
    /// Power with nothing on it.
    pub idle_w: Reading<Watts>,
    /// Power with a context on it that does nothing.
    pub idle_with_context_w: Reading<Watts>,
    /// What was seen under each load.
    pub loads: Vec<UnderLoad>,
    /// From which length on windows can be believed.
    pub usable: Reading<Usable>,
}

/// What was seen of one device under one load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnderLoad {
    /// `steady` or `pulsed`.
    pub load: String,
    /// Mean power.
    pub power_w: Reading<Watts>,
    /// Windows that begin and end on the counter's ticks.
    pub aligned: Vec<Residual>,
    /// The same, against power sampled as seldom as a sampler does.
    pub aligned_sampled: Vec<Residual>,
    /// Windows that begin and end anywhere, the counter read there.
    pub unaligned: Vec<Residual>,
    /// Two equal windows one after the other.
    pub repeatability: Reading<Repeatability>,
}

/// What the sampler itself costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SamplerCost {
    /// Its period in milliseconds.
    pub interval_ms: u32,
    /// What the device did meanwhile.
    pub under: String,
    /// CPU time over wall time: the share of one core.
    pub cpu_share: Reading<f64>,
    /// Power of the device while it reads, less the power while it does not, in watts.
    pub power_w: Reading<stats::Estimate>,
}

/// How a quantity is spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Half of them are below.
    pub median: f64,
    /// 99 of 100 are below.
    pub p99: f64,
    /// The largest.
    pub max: f64,
    /// How many.
    pub n: usize,
}

impl Spread {
    /// The spread of some numbers; `None` of none, or when one is not finite.
    pub fn of(values: impl Into<Vec<f64>>) -> Option<Self> {
        let sample = Sample::new(values).ok()?;
        Some(Self { median: sample.median(), p99: sample.quantile(0.99).ok()?, max: sample.max(), n: sample.n() })
    }
}

/// Readings of a GPU or package that no test has: 200 W from 10 s on, read every 2 ms, the counter moving every 100 ms.
#[cfg(test)]
mod synthetic {
    use units::{Nanos, Seconds, Watts};

    use super::watch::{RawRead, Watched};

    pub(super) struct Device {
        /// Power at a time in seconds.
        pub(super) watts: fn(f64) -> f64,
        /// Counted energy over true energy.
        pub(super) gain: f64,
        pub(super) seconds: f64,
    }

    pub(super) const TICK: f64 = 0.1;
    pub(super) const POLL: f64 = 0.002;

    impl Device {
        pub(super) fn watched(&self) -> Watched {
            let mut watched = Watched::default();
            let (mut energy, mut told, mut ticked) = (0.0, 0.0, 0.0);
            for poll in 0..(self.seconds / POLL).round() as u32 {
                let t = f64::from(poll) * POLL;
                if poll > 0 {
                    energy += f64::midpoint((self.watts)(t - POLL), (self.watts)(t)) * POLL * self.gain;
                }
                if t - ticked >= TICK - POLL / 4.0 {
                    (ticked, told) = (t, energy);
                }
                let (at, took) = (Nanos(10_000_000_000 + (t * 1e9).round() as u64), Seconds(1e-4));
                watched.counter.push(RawRead { at, took, value: (told * 1e6).round() as u64 });
                watched.instant.push(RawRead { at, took, value: Watts((self.watts)(t)) });
            }
            watched
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_of_something() {
        assert_eq!(Spread::of([]), None);
        let spread = Spread::of((1..=100).map(f64::from).collect::<Vec<_>>()).unwrap();
        assert!((spread.median - 50.5).abs() < 1e-9 && spread.p99 > 98.0 && spread.n == 100);
    }
}
