//! An energy window as it was metered: source, span, gross, idle and net, and a verdict. An invalid window has no number.

use serde::{Deserialize, Serialize};
use units::{Joules, Nanos, Reading, Seconds, Watts};

/// Where an energy figure comes from, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnergySource {
    /// NVML's total-energy counter (Volta and newer).
    NvmlCounter,
    /// NVML power samples, integrated.
    NvmlPower,
    /// Intel/AMD RAPL through powercap.
    Rapl,
    /// CPU time times a stated power per core: a model, not a measurement, and labelled so everywhere.
    Modelled,
}

impl EnergySource {
    /// The word shown beside every figure that rests on it.
    pub fn label(self) -> &'static str {
        match self {
            Self::NvmlCounter => "nvml counter",
            Self::NvmlPower => "nvml power",
            Self::Rapl => "rapl",
            Self::Modelled => "modelled",
        }
    }
}

/// Whether a window can be believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It can.
    Valid,
    /// It cannot: a stable code (such as `window_too_short`, `foreign_process`, `counter_stuck`, `residual`, `no_meter`) and the facts.
    Invalid {
        /// Stable machine-readable word.
        code: String,
        /// What was seen, in a sentence fragment.
        reason: String,
    },
}

/// One power sample of one device.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PowerSample {
    /// When it was read.
    pub at: Nanos,
    /// Device number: GPU index, or RAPL package, or 0 for the modelled process group.
    pub device: u32,
    /// Power, in watts.
    pub power: Watts,
}

/// What state a GPU was in during a window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GpuState {
    /// NVML index.
    pub index: u32,
    /// Product name.
    pub name: String,
    /// Hottest temperature seen, in degrees Celsius.
    pub temperature_c: Option<u32>,
    /// SM clock at the end, in MHz.
    pub sm_clock_mhz: Option<u32>,
    /// Enforced power limit in watts.
    pub power_limit_w: Option<f64>,
    /// Throttle reasons seen, as NVML's bit mask.
    pub throttle_reasons: Option<u64>,
    /// Process ids on it that do not belong to the stage.
    pub foreign_pids: Vec<u32>,
}

/// Energy over one span of one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnergyWindow {
    /// Which part of the stage: `stage` (all of it), `load` (spawn to first token), `speed` (the measured requests).
    pub name: String,
    /// Where the figure comes from; absent when no meter could be opened.
    pub source: Option<EnergySource>,
    /// First instant.
    pub start: Nanos,
    /// Last instant.
    pub end: Nanos,
    /// All energy of the devices in the window.
    pub gross: Reading<Joules>,
    /// Power of the same devices with nothing running, measured before.
    pub idle: Reading<Watts>,
    /// Gross less idle power times the span.
    pub net: Reading<Joules>,
    /// CPU time of the process group in the window, in seconds.
    pub cpu_time: Reading<Seconds>,
    /// Number of power samples inside the window.
    pub samples: u32,
    /// Share of the window that lies between two samples, 0 to 1.
    pub coverage: Option<f64>,
    /// (counter − integral) / integral, where both exist.
    pub residual: Option<f64>,
    /// The stated power per core, when modelled.
    pub modelled_w_per_core: Option<f64>,
    /// State of each GPU that was metered.
    pub gpus: Vec<GpuState>,
    /// Whether to believe it.
    pub verdict: Verdict,
}
