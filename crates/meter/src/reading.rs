//! What a meter is: something that reads its devices when told to, and says nothing of windows.

use std::collections::BTreeMap;

use record::EnergySource;
use units::{Bytes, Nanos, Reading, Seconds, Watts};

/// Reads devices. One verb: everything else about a meter is data.
pub trait Meter: Send {
    /// What energy is to be computed from.
    fn basis(&self) -> Basis;

    /// What its devices are called and what kind of number they tell.
    fn nature(&self) -> Nature {
        Nature::default()
    }

    /// A last reading, after the stage has ended. A meter whose readings come late may wait a little for them.
    fn finish(&mut self, stage: &[u32]) -> Vec<DeviceReading> {
        self.read(Effort::Edge, stage)
    }

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
    /// Counters of processor packages and their memory, which interpolate between readings.
    Packages,
    /// The whole machine as an external meter sees it: power integrated, at the meter's own pace.
    Machine,
    /// The stage's CPU time times a stated power.
    CpuTime {
        /// Stated power of a busy core.
        w_per_core: Watts,
    },
}

impl Basis {
    /// Whether something is measured, so that windows must be long enough for a sensor; a model is as good over any span.
    pub fn is_sensor(self) -> bool {
        !matches!(self, Self::CpuTime { .. })
    }
}

/// What a meter's devices are, known when it is opened. A device that is not listed is what its [`Basis`] says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nature {
    /// By device number.
    pub devices: BTreeMap<u32, DeviceNature>,
    /// What must be said of every window, such as what it holds beside the stage.
    pub notes: Vec<String>,
    /// Names of GPUs whose energy holds that of the processor beside them: a processor's meter must not be added to theirs.
    pub with_processor: Vec<String>,
}

/// What one device is.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceNature {
    /// Such as `package-0`, `package-0 dram`, `card1`.
    pub name: String,
    /// Where an energy comes from that its counter counted.
    pub counted: EnergySource,
    /// Where an energy comes from that was integrated from its power.
    pub integrated: EnergySource,
    /// Span over which it averages its power: 0 for that of the instant, `None` where that is not known.
    pub averaged: Option<Seconds>,
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
    /// GPU memory held by the stage's processes: missing where the driver does not tell it of each of them, `None` where none is on it.
    pub stage_memory: Option<Reading<Bytes>>,
    /// Why the processes on it could not be listed; the lists above say nothing then.
    pub unlisted: Option<String>,
    /// Why processes that are not of the stage may be missing in the lists above, which are whole as to the stage's own.
    pub unseen: Option<String>,
    /// Whether it is partitioned (MIG), so that its power is not the stage's alone.
    pub partitioned: bool,
    /// Degrees Celsius.
    pub temperature_c: Option<u32>,
    /// SM clock in MHz.
    pub sm_clock_mhz: Option<u32>,
    /// Memory clock in MHz.
    pub memory_clock_mhz: Option<u32>,
    /// Enforced power limit.
    pub power_limit: Option<Watts>,
    /// NVML's bit mask of throttle reasons.
    pub throttle_reasons: Option<u64>,
}

/// The sum of what several hold: missing where one of them does not tell, `None` where there is none of them.
pub(crate) fn total(parts: impl IntoIterator<Item = Reading<Bytes>>) -> Option<Reading<Bytes>> {
    parts.into_iter().reduce(|sum, part| match (sum, part) {
        (Reading::Known(sum), Reading::Known(part)) => Reading::Known(Bytes(sum.0.saturating_add(part.0))),
        (Reading::Missing(why), _) | (_, Reading::Missing(why)) => Reading::Missing(why),
    })
}

/// What one process holds on a GPU.
pub(crate) fn memory_of(pid: u32, memory: Option<Bytes>) -> Reading<Bytes> {
    memory.map_or_else(|| Reading::missing(format!("the driver does not tell the GPU memory of process {pid}")), Reading::Known)
}
