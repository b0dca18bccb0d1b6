//! What a meter is: something that reads its devices when told to, and says nothing of windows.

use units::{Bytes, Nanos, Watts};

/// Reads devices. One verb: everything else about a meter is data.
pub trait Meter: Send {
    /// What energy is to be computed from.
    fn basis(&self) -> Basis;

    /// Reads every device now. `stage` holds the process ids of the stage, none before it has started.
    fn read(&mut self, effort: Effort, stage: &[u32]) -> Vec<DeviceReading>;

    /// Asks one device for one value once, without waiting for anything: what an examination of the meter itself needs. `None`
    /// where the meter has no such value.
    fn raw(&mut self, device: u32, channel: Channel) -> Option<std::result::Result<Raw, String>> {
        let _ = (device, channel);
        None
    }
}

/// A value that a device tells by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// The energy counter.
    Counter,
    /// Power now.
    Instant,
    /// Power averaged by the device over a span of its own.
    Average,
}

/// What a channel told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Raw {
    /// Microjoules since the counter's own beginning.
    Microjoules(u64),
    /// Power.
    Power(Watts),
}

/// What a meter's energy is computed from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Basis {
    /// GPUs: power integrated, and the energy counter where there is one.
    Gpus,
    /// Counters of processor packages, which interpolate between readings.
    Packages,
    /// The stage's CPU time times a stated power.
    CpuTime {
        /// Stated power of a busy core.
        w_per_core: Watts,
    },
}

/// How much to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// What is cheap: at every period.
    Quick,
    /// Also who uses the device and in what state it is: once a second.
    Sight,
    /// Also what is dear, aligned to the device's own ticks: at the edges of windows.
    Edge,
}

/// One device as read at one instant. What was not read is absent.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceReading {
    /// GPU index or package number.
    pub device: u32,
    /// When.
    pub at: Nanos,
    /// Power drawn.
    pub power: Option<Watts>,
    /// The energy counter in microjoules, as the device told it.
    pub counter_uj: Option<u64>,
    /// The value after which that counter starts again from zero; `None` when it does not wrap.
    pub counter_range_uj: Option<u64>,
    /// Users and state of a GPU.
    pub sight: Option<Sight>,
    /// Why the device could not be read.
    pub fault: Option<String>,
}

impl DeviceReading {
    /// A reading of nothing yet.
    pub fn at(device: u32, at: Nanos) -> Self {
        Self { device, at, power: None, counter_uj: None, counter_range_uj: None, sight: None, fault: None }
    }
}

/// Who uses a GPU, and in what state it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sight {
    /// Product name.
    pub name: String,
    /// Processes of the stage on it.
    pub stage_pids: Vec<u32>,
    /// Other processes on it.
    pub foreign_pids: Vec<u32>,
    /// GPU memory held by the stage's processes, when the driver tells.
    pub stage_memory: Option<Bytes>,
    /// Whether it is partitioned (MIG), so that its power is not the stage's alone.
    pub partitioned: bool,
    /// Degrees Celsius.
    pub temperature_c: Option<u32>,
    /// SM clock in MHz.
    pub sm_clock_mhz: Option<u32>,
    /// Enforced power limit.
    pub power_limit: Option<Watts>,
    /// NVML's bit mask of throttle reasons.
    pub throttle_reasons: Option<u64>,
}
