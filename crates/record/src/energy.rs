//! An energy window as it was metered: source, span, gross, idle and net, and a verdict. An invalid window has no number:
//! [`EnergyWindow::judged`] is the one way from a judgement to a window.

use serde::{Deserialize, Serialize};
use units::{Joules, Nanos, Reading, Seconds, Watts};

/// Where an energy figure comes from, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnergySource {
    /// NVML's total-energy counter (Volta and newer).
    NvmlCounter,
    /// NVML's instantaneous power (field 186), integrated.
    NvmlInstant,
    /// NVML's power usage, integrated: averaged by the GPU over a span that [`GpuState::averaged`] states.
    NvmlPower,
    /// A GPU's energy counter through the kernel's hwmon files.
    HwmonCounter,
    /// A GPU's power through the kernel's hwmon files, integrated.
    HwmonPower,
    /// Intel/AMD RAPL through powercap.
    Rapl,
    /// Intel/AMD RAPL through the `zeusd` daemon.
    Zeusd,
    /// An external meter's file, integrated: the whole machine.
    External,
    /// CPU time times a stated power per core: a model, not a measurement, and labelled so everywhere.
    Modelled,
}

impl EnergySource {
    /// The word shown beside every figure that rests on it.
    pub fn label(self) -> &'static str {
        match self {
            Self::NvmlCounter => "nvml counter",
            Self::NvmlInstant => "nvml instant",
            Self::NvmlPower => "nvml power",
            Self::HwmonCounter => "hwmon counter",
            Self::HwmonPower => "hwmon power",
            Self::Rapl => "rapl",
            Self::Zeusd => "rapl (zeusd)",
            Self::External => "external meter",
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
    /// Span over which the GPU averages the power that was sampled, 0 where it is that of the instant; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub averaged: Option<Seconds>,
    /// Lowest SM clock seen, in MHz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sm_clock_lowest_mhz: Option<u32>,
    /// Memory clock at the end, in MHz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_clock_mhz: Option<u32>,
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
    /// The counter's ticks between which it was counted; the stretches from the edges to them were integrated. Absent where no counter
    /// was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticks: Option<(Nanos, Nanos)>,
    /// Power of the same devices while the stage held them and did nothing, such as a server with its model loaded; absent where nobody
    /// looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_resident: Option<Reading<Watts>>,
    /// Gross less that power times the span.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net_resident: Option<Reading<Joules>>,
    /// A sensor's window that is long enough to be believed, and too short to be repeated within a percent: 2 to 5 s.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub short: bool,
    /// What was summed, by name: `package-0`, `package-0 dram`, `card1`; empty where the numbers say it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<String>,
    /// What must be said of the figure beside its source, such as what else it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What a meter says of a span.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// Where the figure comes from, or would.
    pub source: Option<EnergySource>,
    /// All energy of the devices; or why it cannot be believed, as a stable code and what was seen.
    pub gross: Result<Joules, (String, String)>,
    /// Power of the same devices with nothing running.
    pub idle: Reading<Watts>,
    /// Power of the same devices with the stage on them, doing nothing; `None` where nobody looked.
    pub idle_resident: Option<Reading<Watts>>,
}

impl EnergyWindow {
    /// The window that follows from a judgement: valid with gross and net, or invalid without any energy. What was seen beside it is
    /// empty, for the caller to fill in.
    pub fn judged(name: &str, start: Nanos, end: Nanos, judgement: Judgement) -> Self {
        let Judgement { source, gross, idle, idle_resident } = judgement;
        let (gross, verdict): (Reading<Joules>, _) = match gross {
            Ok(energy) => (Reading::Known(energy), Verdict::Valid),
            Err((code, reason)) => (Reading::missing(reason.clone()), Verdict::Invalid { code, reason }),
        };
        let length = end.since(start);
        Self {
            name: name.to_owned(),
            source,
            start,
            end,
            net: less(&gross, &idle, length),
            net_resident: idle_resident.as_ref().map(|idle| less(&gross, idle, length)),
            gross,
            idle,
            idle_resident,
            verdict,
            cpu_time: Reading::missing("not looked at"),
            samples: 0,
            coverage: None,
            residual: None,
            modelled_w_per_core: None,
            gpus: Vec::new(),
            ticks: None,
            short: false,
            devices: Vec::new(),
            notes: Vec::new(),
        }
    }
}

fn less(gross: &Reading<Joules>, idle: &Reading<Watts>, length: Seconds) -> Reading<Joules> {
    let less = || Ok(*gross.known()? - *idle.known()? * length);
    less().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(gross: Result<Joules, (String, String)>) -> EnergyWindow {
        let idle_resident = Some(Reading::Known(Watts(20.0)));
        let judgement = Judgement { source: Some(EnergySource::Rapl), gross, idle: Reading::Known(Watts(5.0)), idle_resident };
        EnergyWindow::judged("speed", Nanos(0), Nanos(2_000_000_000), judgement)
    }

    #[test]
    fn a_valid_window_has_gross_and_both_nets() {
        let window = window(Ok(Joules(100.0)));
        assert_eq!((window.gross, window.verdict), (Reading::Known(Joules(100.0)), Verdict::Valid));
        assert_eq!((window.net, window.net_resident), (Reading::Known(Joules(90.0)), Some(Reading::Known(Joules(60.0)))));
    }

    #[test]
    fn an_invalid_window_has_no_number() {
        let window = window(Err(("counter_stuck".into(), "it did not move".into())));
        let missing = Reading::missing("it did not move");
        assert_eq!((&window.gross, &window.net, window.net_resident.as_ref()), (&missing, &missing, Some(&missing)));
        assert!(matches!(window.verdict, Verdict::Invalid { code, .. } if code == "counter_stuck"));
    }

    #[test]
    fn a_window_of_an_older_record_is_still_read() {
        let window = window(Ok(Joules(100.0)));
        let mut json = serde_json::to_value(&window).unwrap();
        for newer in ["idle_resident", "net_resident"] {
            json.as_object_mut().unwrap().remove(newer).unwrap();
        }
        assert!(["ticks", "short", "devices", "notes"].iter().all(|newer| json.get(newer).is_none()));
        let read: EnergyWindow = serde_json::from_value(json).unwrap();
        assert_eq!((read.gross, read.idle_resident, read.short), (window.gross, None, false));
    }
}
