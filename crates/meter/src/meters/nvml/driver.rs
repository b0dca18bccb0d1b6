//! The few calls of NVML that the meter needs, behind a trait so that a test can stand in for a GPU.

use std::{ffi::OsStr, fmt::Display};

use nvml_wrapper::{
    Device, Nvml,
    enum_wrappers::device::{Clock, TemperatureSensor},
    enums::device::{SampleValue, UsedGpuMemory},
    structs::device::FieldId,
};
use units::{Bytes, Watts};

/// `NVML_FI_DEV_POWER_INSTANT`: instantaneous power in milliwatts.
const POWER_INSTANT: FieldId = FieldId(186);

/// The library's name where no development package is installed.
const LIBRARY: &str = "libnvidia-ml.so.1";

/// One process on a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OnGpu {
    pub(super) pid: u32,
    pub(super) memory: Option<Bytes>,
}

/// A GPU's state. What the driver does not tell is absent.
#[derive(Clone, Debug, Default)]
pub(super) struct Look {
    pub(super) name: String,
    pub(super) partitioned: bool,
    pub(super) temperature_c: Option<u32>,
    pub(super) sm_clock_mhz: Option<u32>,
    pub(super) memory_clock_mhz: Option<u32>,
    pub(super) power_limit: Option<Watts>,
    pub(super) throttle_reasons: Option<u64>,
}

/// What the meter asks of a driver. Every error is its own words.
pub(super) trait Driver: Send {
    fn count(&self) -> Result<u32, String>;
    fn instant_power(&self, gpu: u32) -> Result<Watts, String>;
    fn power(&self, gpu: u32) -> Result<Watts, String>;
    fn energy_mj(&self, gpu: u32) -> Result<u64, String>;
    /// CUDA compute capability, which tells the architecture.
    fn compute_capability(&self, gpu: u32) -> Result<(i32, i32), String>;
    fn processes(&self, gpu: u32) -> Result<Vec<OnGpu>, String>;
    fn look(&self, gpu: u32) -> Result<Look, String>;
}

/// The real one.
pub(super) struct Nvidia(Nvml);

impl Nvidia {
    pub(super) fn load() -> Result<Self, String> {
        Nvml::builder().lib_path(OsStr::new(LIBRARY)).init().map(Self).map_err(words)
    }

    fn device(&self, gpu: u32) -> Result<Device<'_>, String> {
        self.0.device_by_index(gpu).map_err(words)
    }
}

fn words(error: impl Display) -> String {
    error.to_string().to_lowercase()
}

fn milliwatts(milliwatts: f64) -> Watts {
    Watts(milliwatts / 1e3)
}

impl Driver for Nvidia {
    fn count(&self) -> Result<u32, String> {
        self.0.device_count().map_err(words)
    }

    fn instant_power(&self, gpu: u32) -> Result<Watts, String> {
        let fields = self.device(gpu)?.field_values_for(&[POWER_INSTANT]).map_err(words)?;
        let field = fields.into_iter().next().ok_or("no field came back")?.map_err(words)?;
        match field.value.map_err(words)? {
            SampleValue::U32(value) => Ok(milliwatts(f64::from(value))),
            SampleValue::U64(value) => Ok(milliwatts(value as f64)),
            SampleValue::I64(value) => Ok(milliwatts(value as f64)),
            SampleValue::F64(value) => Ok(milliwatts(value)),
        }
    }

    fn power(&self, gpu: u32) -> Result<Watts, String> {
        Ok(milliwatts(f64::from(self.device(gpu)?.power_usage().map_err(words)?)))
    }

    fn energy_mj(&self, gpu: u32) -> Result<u64, String> {
        self.device(gpu)?.total_energy_consumption().map_err(words)
    }

    fn compute_capability(&self, gpu: u32) -> Result<(i32, i32), String> {
        let capability = self.device(gpu)?.cuda_compute_capability().map_err(words)?;
        Ok((capability.major, capability.minor))
    }

    /// Graphics processes too: they draw power as well. A list that cannot be read is not an empty one.
    fn processes(&self, gpu: u32) -> Result<Vec<OnGpu>, String> {
        let device = self.device(gpu)?;
        let mut processes: Vec<OnGpu> = Vec::new();
        let graphics = device.running_graphics_processes().map_err(|error| format!("graphics processes: {}", words(error)))?;
        let compute = device.running_compute_processes().map_err(|error| format!("compute processes: {}", words(error)))?;
        for process in compute.into_iter().chain(graphics) {
            if processes.iter().all(|known| known.pid != process.pid) {
                let memory = match process.used_gpu_memory {
                    UsedGpuMemory::Used(bytes) => Some(Bytes(bytes)),
                    UsedGpuMemory::Unavailable => None,
                };
                processes.push(OnGpu { pid: process.pid, memory });
            }
        }
        Ok(processes)
    }

    fn look(&self, gpu: u32) -> Result<Look, String> {
        let device = self.device(gpu)?;
        Ok(Look {
            name: device.name().map_err(words)?,
            // Boards without MIG answer with an error.
            partitioned: device.mig_mode().is_ok_and(|mode| mode.current == 1),
            temperature_c: device.temperature(TemperatureSensor::Gpu).ok(),
            sm_clock_mhz: device.clock_info(Clock::SM).ok(),
            memory_clock_mhz: device.clock_info(Clock::Memory).ok(),
            power_limit: device.enforced_power_limit().ok().map(|limit| milliwatts(f64::from(limit))),
            throttle_reasons: device.current_throttle_reasons().ok().map(|reasons| reasons.bits()),
        })
    }
}
