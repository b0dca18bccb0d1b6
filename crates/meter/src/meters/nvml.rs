//! NVIDIA GPUs through NVML, whose library is looked for when the program runs and never linked.
//!
//! Energy is taken, best first, from the counter, from the instantaneous field 186 (`NVML_FI_DEV_POWER_INSTANT`), and from
//! `nvmlDeviceGetPowerUsage`, which is the average of the last second on Ampere and newer except GA100, and that of the instant on GA100 and
//! older (NVIDIA's reference of that function). The energy counter (Volta and newer) moves every 100 ms and costs
//! 3 ms of CPU a read, so it is read at the edges of windows only, there every 20 ms until it moves: its instant is then known
//! to 20 ms, and being late at both edges cancels. (H200, windows of 11 s: counter and integral were 0.04% and 0.2% apart.)

mod driver;

use std::{collections::BTreeMap, time::Duration};

use plan::MeterSpec;
use record::EnergySource;
use units::Seconds;

use super::MeterKind;
use crate::{
    Basis, Channel, DeviceNature, DeviceReading, Effort, Meter, Nature, Places, Raw, Sight,
    reading::{memory_of, total},
};
use driver::{Driver, Nvidia};

/// The registry's entry.
pub(super) static NVML: MeterKind =
    MeterKind { name: "nvml", about: "NVIDIA GPUs: energy counter and power, of those that hold the stage's processes", probe, open };

/// Pause between two reads of a counter that has not moved yet.
const POLL: Duration = Duration::from_millis(20);

/// Reads after which a counter counts as not moving: twice its period.
const MOST_POLLS: u32 = 10;

fn probe(_places: &Places) -> Result<String, String> {
    let nvidia = Nvidia::load()?;
    let each = (0..nvidia.count()?).map(|gpu| describe(&nvidia, gpu));
    Ok(each.collect::<Vec<_>>().join(", "))
}

fn describe(driver: &dyn Driver, gpu: u32) -> String {
    let energy = if driver.energy_mj(gpu).is_ok() { "energy counter" } else { "no energy counter" };
    let power = match (driver.instant_power(gpu), driver.power(gpu)) {
        (Ok(_), _) => "instantaneous power",
        (Err(_), Ok(_)) => match averaging(driver, gpu) {
            Some(span) if span > Seconds(0.0) => "power averaged over 1 s",
            Some(_) => "instantaneous power",
            None => "power averaged over a span that is not known",
        },
        _ => "no power",
    };
    let name = driver.look(gpu).map_or_else(|reason| reason, |look| look.name);
    format!("{gpu}: {name} ({energy}, {power})")
}

/// The first compute capability after GA100's (8.0).
const AVERAGING_FROM: (i32, i32) = (8, 1);

/// Over what span `nvmlDeviceGetPowerUsage` averages; `None` where the architecture is not told.
fn averaging(driver: &dyn Driver, gpu: u32) -> Option<Seconds> {
    let capability = driver.compute_capability(gpu).ok()?;
    Some(if capability >= AVERAGING_FROM { Seconds(1.0) } else { Seconds(0.0) })
}

fn open(_spec: &MeterSpec, _places: &Places) -> Result<Box<dyn Meter>, String> {
    let nvidia = Nvidia::load()?;
    Ok(Box::new(Nvml::new(Box::new(nvidia), std::thread::sleep)?))
}

struct Nvml {
    driver: Box<dyn Driver>,
    pause: fn(Duration),
    gpus: Vec<Gpu>,
}

struct Gpu {
    index: u32,
    /// The driver offers field 186.
    instant: bool,
    has_counter: bool,
    /// It has held a process of the stage: the others' counters are not worth their cost.
    held: bool,
}

impl Nvml {
    fn new(driver: Box<dyn Driver>, pause: fn(Duration)) -> Result<Self, String> {
        let gpus: Vec<Gpu> = (0..driver.count()?)
            .map(|index| Gpu {
                index,
                instant: driver.instant_power(index).is_ok(),
                has_counter: driver.energy_mj(index).is_ok(),
                held: false,
            })
            .collect();
        if gpus.is_empty() {
            return Err("the driver lists no GPU".to_owned());
        }
        if let Some(gpu) = gpus.iter().find(|gpu| !gpu.instant && driver.power(gpu.index).is_err()) {
            return Err(format!("GPU {} tells no power", gpu.index));
        }
        Ok(Self { driver, pause, gpus })
    }

    fn quick(&self, gpu: &Gpu) -> DeviceReading {
        let power = if gpu.instant { self.driver.instant_power(gpu.index) } else { self.driver.power(gpu.index) };
        let mut reading = DeviceReading::at(gpu.index, record::clock::now());
        match power {
            Ok(power) => reading.power = Some(power),
            Err(reason) => reading.fault = Some(reason),
        }
        reading
    }

    /// Waits for the counters to move, and takes power with each: those of the GPUs in use, or all while none is.
    fn counters(&self) -> Vec<DeviceReading> {
        let none_held = self.gpus.iter().all(|gpu| !gpu.held);
        let wanted: Vec<&Gpu> = self.gpus.iter().filter(|gpu| gpu.has_counter && (gpu.held || none_held)).collect();
        let mut waiting: BTreeMap<u32, u64> = BTreeMap::new();
        let mut moved = Vec::new();
        for poll in 0..MOST_POLLS {
            for gpu in &wanted {
                if moved.iter().any(|reading: &DeviceReading| reading.device == gpu.index) {
                    continue;
                }
                let Ok(energy) = self.driver.energy_mj(gpu.index) else { continue };
                let before = *waiting.entry(gpu.index).or_insert(energy);
                if energy != before || poll + 1 == MOST_POLLS {
                    moved.push(DeviceReading { counter_uj: Some(energy.saturating_mul(1000)), ..self.quick(gpu) });
                }
            }
            if moved.len() == wanted.len() {
                break;
            }
            (self.pause)(POLL);
        }
        moved
    }
}

impl Meter for Nvml {
    fn basis(&self) -> Basis {
        Basis::Gpus
    }

    fn nature(&self) -> Nature {
        let nature = |gpu: &Gpu| DeviceNature {
            name: format!("gpu-{}", gpu.index),
            counted: EnergySource::NvmlCounter,
            integrated: if gpu.instant { EnergySource::NvmlInstant } else { EnergySource::NvmlPower },
            averaged: if gpu.instant { Some(Seconds(0.0)) } else { averaging(&*self.driver, gpu.index) },
        };
        Nature { devices: self.gpus.iter().map(|gpu| (gpu.index, nature(gpu))).collect(), ..Nature::default() }
    }

    fn read(&mut self, effort: Effort, stage: &[u32]) -> Vec<DeviceReading> {
        let mut readings: Vec<DeviceReading> = self.gpus.iter().map(|gpu| self.quick(gpu)).collect();
        if effort >= Effort::Sight {
            for (gpu, reading) in self.gpus.iter_mut().zip(&mut readings) {
                match sight(&*self.driver, gpu.index, stage) {
                    Ok(sight) => {
                        gpu.held |= !sight.stage_pids.is_empty();
                        reading.sight = Some(sight);
                    }
                    Err(reason) => reading.fault = Some(reason),
                }
            }
        }
        if effort == Effort::Edge {
            readings.extend(self.counters());
        }
        readings
    }

    fn raw(&mut self, device: u32, channel: Channel) -> Option<Result<Raw, String>> {
        let gpu = self.gpus.iter().find(|gpu| gpu.index == device)?;
        match channel {
            Channel::Counter => gpu.has_counter.then(|| Ok(Raw::Microjoules(self.driver.energy_mj(device)?.saturating_mul(1000)))),
            Channel::Instant => gpu.instant.then(|| self.driver.instant_power(device).map(Raw::Power)),
            Channel::Average => Some(self.driver.power(device).map(Raw::Power)),
        }
    }
}

fn sight(driver: &dyn Driver, gpu: u32, stage: &[u32]) -> Result<Sight, String> {
    let look = driver.look(gpu)?;
    let (processes, unlisted) = match driver.processes(gpu) {
        Ok(processes) => (processes, None),
        Err(reason) => (Vec::new(), Some(reason)),
    };
    let (own, foreign): (Vec<_>, Vec<_>) = processes.into_iter().partition(|process| stage.contains(&process.pid));
    Ok(Sight {
        name: look.name,
        stage_memory: total(own.iter().map(|process| memory_of(process.pid, process.memory))),
        stage_pids: own.iter().map(|process| process.pid).collect(),
        foreign_pids: foreign.iter().map(|process| process.pid).collect(),
        partitioned: look.partitioned,
        temperature_c: look.temperature_c,
        unlisted,
        unseen: None,
        sm_clock_mhz: look.sm_clock_mhz,
        memory_clock_mhz: look.memory_clock_mhz,
        power_limit: look.power_limit,
        throttle_reasons: look.throttle_reasons,
    })
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use units::{Bytes, Reading, Watts};

    use super::{
        driver::{Look, OnGpu},
        *,
    };

    /// A GPU as a script: its counter moves on every `moves_every`-th read.
    #[derive(Clone)]
    struct Script {
        moves_every: u32,
        counter: bool,
        instant: bool,
        processes: Vec<u32>,
        partitioned: bool,
        capability: Option<(i32, i32)>,
        unlisted: Option<&'static str>,
    }

    /// A process whose memory the driver does not tell.
    const SILENT: u32 = 404;

    const PLAIN: Script = Script {
        moves_every: 3,
        counter: true,
        instant: true,
        processes: Vec::new(),
        partitioned: false,
        capability: Some((9, 0)),
        unlisted: None,
    };

    struct Fake {
        gpus: Vec<Script>,
        reads: RefCell<Vec<u32>>,
        lost: Cell<bool>,
    }

    // Only the test's own thread touches it.
    impl Fake {
        fn new(gpus: Vec<Script>) -> Self {
            Self { reads: RefCell::new(vec![0; gpus.len()]), gpus, lost: Cell::new(false) }
        }

        fn present<T>(&self, value: T) -> Result<T, String> {
            if self.lost.get() { Err("gpu is lost".to_owned()) } else { Ok(value) }
        }
    }

    impl Driver for Fake {
        fn count(&self) -> Result<u32, String> {
            Ok(self.gpus.len() as u32)
        }
        fn instant_power(&self, gpu: u32) -> Result<Watts, String> {
            if self.gpus[gpu as usize].instant { self.present(Watts(300.0)) } else { Err("not supported".to_owned()) }
        }
        fn power(&self, _gpu: u32) -> Result<Watts, String> {
            self.present(Watts(200.0))
        }
        fn energy_mj(&self, gpu: u32) -> Result<u64, String> {
            let script = &self.gpus[gpu as usize];
            if !script.counter {
                return Err("not supported".to_owned());
            }
            let reads = &mut self.reads.borrow_mut()[gpu as usize];
            *reads += 1;
            Ok(u64::from(*reads / script.moves_every))
        }
        fn compute_capability(&self, gpu: u32) -> Result<(i32, i32), String> {
            self.gpus[gpu as usize].capability.ok_or_else(|| "not supported".to_owned())
        }
        fn processes(&self, gpu: u32) -> Result<Vec<OnGpu>, String> {
            if let Some(reason) = self.gpus[gpu as usize].unlisted {
                return Err(reason.to_owned());
            }
            let pids = self.gpus[gpu as usize].processes.iter();
            self.present(pids.map(|pid| OnGpu { pid: *pid, memory: (*pid != SILENT).then_some(Bytes(10)) }).collect())
        }
        fn look(&self, gpu: u32) -> Result<Look, String> {
            let partitioned = self.gpus[gpu as usize].partitioned;
            self.present(Look { name: "fake".to_owned(), partitioned, ..Look::default() })
        }
    }

    fn nvml(gpus: Vec<Script>) -> Nvml {
        Nvml::new(Box::new(Fake::new(gpus)), |_| {}).unwrap()
    }

    #[test]
    fn the_instantaneous_field_is_taken_where_it_is_offered() {
        let mut nvml = nvml(vec![PLAIN, Script { instant: false, ..PLAIN }]);
        let readings = nvml.read(Effort::Quick, &[]);
        assert_eq!(readings.iter().map(|reading| reading.power.unwrap()).collect::<Vec<_>>(), [Watts(300.0), Watts(200.0)]);
        assert!(readings.iter().all(|reading| reading.sight.is_none() && reading.counter_uj.is_none()));
    }

    #[test]
    fn where_energy_comes_from_and_over_what_span_power_is_averaged() {
        let power = |capability| Script { instant: false, capability, ..PLAIN };
        // H200 with field 186; H100, A10, A100, V100 without; one that tells no architecture.
        let scripts = [PLAIN, power(Some((9, 0))), power(Some((8, 6))), power(Some((8, 0))), power(Some((7, 0))), power(None)];
        let nature = nvml(scripts.into()).nature();
        let found: Vec<_> = nature.devices.values().map(|device| (device.integrated, device.averaged.map(Seconds::get))).collect();
        let average = EnergySource::NvmlPower;
        let expected = [
            (EnergySource::NvmlInstant, Some(0.0)),
            (average, Some(1.0)),
            (average, Some(1.0)),
            (average, Some(0.0)),
            (average, Some(0.0)),
            (average, None),
        ];
        assert_eq!(found, expected);
        assert!(nature.devices.values().all(|device| device.counted == EnergySource::NvmlCounter));
    }

    #[test]
    fn a_process_list_that_cannot_be_read_is_a_reason_and_no_empty_list() {
        let mut nvml = nvml(vec![Script { unlisted: Some("graphics processes: not supported"), ..PLAIN }]);
        let reading = nvml.read(Effort::Sight, &[7]).remove(0);
        let sight = reading.sight.unwrap();
        assert_eq!((sight.unlisted.as_deref(), reading.fault), (Some("graphics processes: not supported"), None));
    }

    #[test]
    fn processes_are_the_stages_own_or_foreign() {
        let mut nvml = nvml(vec![Script { processes: vec![7, 8, 9], ..PLAIN }]);
        let sight = nvml.read(Effort::Sight, &[7, 9]).remove(0).sight.unwrap();
        assert_eq!((sight.stage_pids, sight.foreign_pids, sight.stage_memory), (vec![7, 9], vec![8], Some(Reading::Known(Bytes(20)))));
    }

    #[test]
    fn memory_of_the_stage_is_missing_where_one_process_does_not_tell() {
        let mut nvml = nvml(vec![Script { processes: vec![7, 8, SILENT], ..PLAIN }]);
        let mut memory = |stage: &[u32]| nvml.read(Effort::Sight, stage).remove(0).sight.unwrap().stage_memory;
        assert_eq!(memory(&[7, SILENT]), Some(Reading::missing("the driver does not tell the GPU memory of process 404")));
        assert_eq!((memory(&[7]), memory(&[99])), (Some(Reading::Known(Bytes(10))), None));
    }

    #[test]
    fn at_an_edge_the_counter_is_read_as_it_moves() {
        let mut nvml = nvml(vec![Script { processes: vec![7], ..PLAIN }]);
        let counters =
            |nvml: &mut Nvml| -> Vec<u64> { nvml.read(Effort::Edge, &[7]).iter().filter_map(|reading| reading.counter_uj).collect() };
        // Opening read it once; it moves on the third read, and again on the sixth.
        assert_eq!(counters(&mut nvml), [1000]);
        assert_eq!(counters(&mut nvml), [2000]);
    }

    #[test]
    fn counters_of_gpus_that_the_stage_does_not_hold_are_left_alone() {
        let mut nvml = nvml(vec![PLAIN, Script { processes: vec![7], ..PLAIN }]);
        let counted = |readings: Vec<DeviceReading>| -> Vec<u32> {
            readings.iter().filter(|reading| reading.counter_uj.is_some()).map(|reading| reading.device).collect()
        };
        assert_eq!(counted(nvml.read(Effort::Edge, &[])), [0, 1]);
        assert_eq!(counted(nvml.read(Effort::Edge, &[7])), [1]);
    }

    #[test]
    fn a_counter_that_does_not_move_is_told_as_it_stands() {
        let mut nvml = nvml(vec![Script { moves_every: 1000, ..PLAIN }]);
        let readings = nvml.read(Effort::Edge, &[]);
        assert_eq!(readings.iter().filter_map(|reading| reading.counter_uj).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn a_gpu_without_a_counter_still_tells_power() {
        let mut nvml = nvml(vec![Script { counter: false, ..PLAIN }]);
        let readings = nvml.read(Effort::Edge, &[]);
        assert!(readings.iter().all(|reading| reading.counter_uj.is_none()) && readings[0].power.is_some());
    }

    #[test]
    fn a_partitioned_gpu_is_told() {
        let mut nvml = nvml(vec![Script { partitioned: true, ..PLAIN }]);
        assert!(nvml.read(Effort::Sight, &[]).remove(0).sight.unwrap().partitioned);
    }

    #[test]
    fn a_gpu_that_is_lost_is_a_fault_and_no_number() {
        let fake = Fake::new(vec![PLAIN]);
        let mut nvml = Nvml::new(Box::new(fake), |_| {}).unwrap();
        nvml.driver = {
            let lost = Fake::new(vec![PLAIN]);
            lost.lost.set(true);
            Box::new(lost)
        };
        let reading = nvml.read(Effort::Sight, &[]).remove(0);
        assert_eq!((reading.power, reading.fault.as_deref()), (None, Some("gpu is lost")));
    }

    #[test]
    fn without_gpus_there_is_no_meter() {
        assert!(Nvml::new(Box::new(Fake::new(vec![])), |_| {}).is_err());
    }
}
