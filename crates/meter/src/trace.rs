//! Everything a sampler saw, and what can be said of a part of it: windows, idle power, memory.
//!
//! An invalid window carries a stable code and no number.

mod counter;
mod cpu;
mod curve;
mod gpus;
mod machine;
mod packages;

use std::collections::BTreeMap;

use record::{EnergySource, EnergyWindow, GpuState, Judgement, MemoryPeak, PowerSample};
use units::{Bytes, Joules, Missing, Nanos, Reading, Seconds, Watts};

use crate::{
    Basis, DeviceReading, Idle, Nature, Sight,
    group::{CpuTime, GroupSample},
    reading::total,
};
use cpu::CpuCurve;

/// The shortest window that a counter or a power sensor can tell anything of: sensors refresh every 100 ms, and their readings
/// lag. (On an H200 counter and integral are 20% apart at 0.5 s, 3.5% at 2 s.)
pub const MIN_WINDOW: Seconds = Seconds(2.0);

/// The shortest window of a sensor that repeats within a percent (H200, equal windows of one load: 0.9% at 5 s); a shorter one is
/// marked.
pub const GOOD_WINDOW: Seconds = Seconds(5.0);

/// How far counter and integral may be apart.
pub const MAX_RESIDUAL: f64 = 0.05;

/// How wrong the CPU time behind a modelled window may be at worst. As for measured windows; the stated power per core is
/// hardly known better.
pub const MAX_CPU_TIME_ERROR: f64 = 0.05;

/// How many periods may lie between two samples before the sampler counts as starved.
const MAX_PERIODS: f64 = 5.0;

/// A gap that is never starvation: at a window's edge a GPU's counter is waited for that long at most.
const MIN_GAP: Seconds = Seconds(0.5);

/// What a sampler saw of one stage.
#[derive(Clone, Debug)]
pub struct Trace {
    basis: std::result::Result<Basis, Missing>,
    nature: Nature,
    interval: Seconds,
    cpu: CpuCurve,
    memory: Memory,
    devices: BTreeMap<u32, Vec<DeviceReading>>,
}

#[derive(Clone, Debug, Default)]
struct Memory {
    sampled: Bytes,
    high_water: Bytes,
    processes: usize,
    gpu: Option<Reading<Bytes>>,
}

/// The energy of a window that can be believed.
#[derive(Clone, Debug, PartialEq)]
struct Figure {
    source: EnergySource,
    gross: Joules,
    residual: Option<f64>,
    /// The counter's ticks, where there is one.
    ticks: Option<(Nanos, Nanos)>,
    /// The devices that were summed.
    devices: Vec<u32>,
}

/// Why a window cannot be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    code: &'static str,
    reason: String,
}

impl Fault {
    fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }
}

type Judged<T> = std::result::Result<T, Fault>;

/// First and last instant.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: Nanos,
    end: Nanos,
}

impl Span {
    fn length(self) -> Seconds {
        self.end.signed_since(self.start)
    }

    fn holds(self, at: Nanos) -> bool {
        (self.start..=self.end).contains(&at)
    }
}

/// Power samples in the order of time, integrated between two instants that they span.
pub(crate) fn integrate(samples: &[(Nanos, Watts)], from: Nanos, to: Nanos) -> Option<Joules> {
    let first = samples.partition_point(|(at, _)| *at < from).saturating_sub(1);
    let last = (samples.partition_point(|(at, _)| *at < to) + 1).min(samples.len());
    curve::Curve::new(samples.get(first..last)?.iter().copied()).energy(from, to).ok()
}

impl Trace {
    pub(crate) fn new(basis: std::result::Result<Basis, Missing>, nature: Nature, interval: Seconds, cores: u32) -> Self {
        Self { basis, nature, interval, cpu: CpuCurve::new(cores), memory: Memory::default(), devices: BTreeMap::new() }
    }

    /// Nothing of the stage runs yet.
    pub(crate) fn before_stage(&mut self, at: Nanos) {
        self.cpu.push(at, Seconds(0.0), Seconds(0.0));
    }

    /// The stage began at an instant that may lie before the last sample.
    pub(crate) fn spawned(&mut self, at: Nanos) {
        self.cpu.begin(at);
    }

    pub(crate) fn group(&mut self, at: Nanos, sample: &GroupSample) {
        self.cpu.push(at, sample.cpu.floor, sample.cpu.lag);
        self.memory.sampled = self.memory.sampled.max(sample.resident);
        self.memory.high_water = self.memory.high_water.max(sample.high_water);
        self.memory.processes = sample.ever;
    }

    /// The kernel's own total of the stage's CPU time, when it has ended, and what processes beside its group used.
    pub(crate) fn total_cpu(&mut self, at: Nanos, total: Seconds, beside: Option<CpuTime>) {
        let CpuTime { floor, lag } = beside.unwrap_or_default();
        self.cpu.push(at, total + floor, lag);
    }

    /// The stage ended at an instant that may lie before the last sample, with this total.
    pub(crate) fn ended(&mut self, at: Nanos, total: Seconds) {
        self.cpu.end(at, total);
    }

    pub(crate) fn devices(&mut self, readings: Vec<DeviceReading>) {
        self.memory.gpu = match (self.memory.gpu.take(), self.on_gpus(&readings)) {
            (Some(Reading::Known(peak)), Some(Reading::Known(now))) => Some(Reading::Known(peak.max(now))),
            (Some(missing @ Reading::Missing(_)), _) => Some(missing),
            (peak, now) => now.or(peak),
        };
        for reading in readings {
            self.devices.entry(reading.device).or_default().push(reading);
        }
    }

    /// GPU memory that the stage holds, at one look; `None` where it holds none, or nobody looked.
    fn on_gpus(&self, readings: &[DeviceReading]) -> Option<Reading<Bytes>> {
        let looked = readings.iter().any(|reading| reading.sight.is_some());
        let was_held = |device| self.devices.get(&device).is_some_and(|readings| gpus::holds_stage(readings));
        total(readings.iter().filter_map(|reading| match (&reading.sight, &reading.fault) {
            (Some(Sight { unlisted: Some(why), .. }), _) => {
                Some(Reading::missing(format!("the processes on GPU {} could not be listed: {why}", reading.device)))
            }
            (Some(sight), _) => sight.stage_memory.clone(),
            (None, Some(fault)) if looked && was_held(reading.device) => Some(Reading::missing(format!("GPU {}: {fault}", reading.device))),
            (None, _) => None,
        }))
    }

    /// The energy between two instants. `idle` is the devices' power with nothing running, from [`Trace::idle`].
    pub fn window(&self, name: &str, start: Nanos, end: Nanos, idle: &Idle) -> EnergyWindow {
        self.window_beside(name, start, end, idle, None)
    }

    /// The same with a second idle power, that of the devices while the stage held them and did nothing; from [`Trace::idle`] too, over a
    /// span in which it waited.
    pub fn window_beside(&self, name: &str, start: Nanos, end: Nanos, idle: &Idle, resident: Option<&Idle>) -> EnergyWindow {
        let span = Span { start, end };
        let figure = self.figure(span);
        let devices = figure.as_ref().map_or_else(|_| self.devices.keys().copied().collect(), |figure| figure.devices.clone());
        let cpu_time = self.cpu.between(span).map(|used| used.time).map_err(|fault| Missing(fault.reason)).into();
        let judgement = Judgement {
            source: figure.as_ref().map_or_else(|_| self.source(), |figure| Some(figure.source)),
            gross: figure.as_ref().map(|figure| figure.gross).map_err(|fault| (fault.code.to_owned(), fault.reason.clone())),
            idle: self.idle_of(idle, &devices),
            idle_resident: resident.map(|idle| self.idle_of(idle, &devices)),
        };
        let is_sensor = self.basis.as_ref().is_ok_and(|basis| basis.is_sensor());
        EnergyWindow {
            cpu_time,
            samples: self.samples(span),
            coverage: self.coverage(span),
            residual: figure.as_ref().ok().and_then(|figure| figure.residual),
            modelled_w_per_core: self.w_per_core().map(Watts::get),
            gpus: if matches!(self.basis, Ok(Basis::Gpus)) { self.gpu_states(&devices, span) } else { Vec::new() },
            ticks: figure.as_ref().ok().and_then(|figure| figure.ticks),
            short: figure.is_ok() && is_sensor && span.length() < GOOD_WINDOW,
            devices: devices.iter().filter_map(|device| Some(self.nature.devices.get(device)?.name.clone())).collect(),
            notes: self.nature.notes.clone(),
            ..EnergyWindow::judged(name, start, end, judgement)
        }
    }

    fn idle_of(&self, idle: &Idle, devices: &[u32]) -> Reading<Watts> {
        match &self.basis {
            Ok(Basis::CpuTime { .. }) => Reading::missing("the modelled meter knows no idle power"),
            Ok(_) => idle.of(devices),
            Err(why) => Reading::Missing(why.clone()),
        }
    }

    /// Mean power of every device between two instants at which nothing of the stage ran, or at which it held its devices and
    /// did nothing.
    pub fn idle(&self, start: Nanos, end: Nanos) -> Idle {
        let span = Span { start, end };
        let each = |device: u32| match self.basis {
            Ok(Basis::Gpus) => gpus::idle(&self.devices[&device], span, self.longest_gap()),
            Ok(Basis::Packages) => packages::idle(&self.devices[&device], span, self.longest_gap()),
            Ok(Basis::Machine) => machine::idle(&self.devices[&device], span, self.longest_gap()),
            _ => Err(Fault::new("no_meter", "there is no device whose idle power could be measured")),
        };
        if self.devices.is_empty() {
            return Idle::missing("there is no device whose idle power could be measured");
        }
        // A device that others use takes nothing from those that the stage will hold.
        let all: BTreeMap<u32, Judged<Watts>> = self.devices.keys().map(|device| (*device, each(*device))).collect();
        let known: BTreeMap<u32, Watts> = all.iter().filter_map(|(device, watts)| Some((*device, *watts.as_ref().ok()?))).collect();
        match all.into_values().find_map(Judged::err) {
            Some(fault) if known.is_empty() => Idle::missing(format!("idle power: {}", fault.reason)),
            _ => Idle(Reading::Known(known)),
        }
    }

    /// Highest memory of the process group. Resident memory is the sampled sum; for a single process it is the kernel's own
    /// high-water mark, which no sampling misses.
    pub fn memory(&self) -> MemoryPeak {
        let Memory { sampled, high_water, processes, ref gpu } = self.memory;
        let resident = match processes {
            0 => Reading::missing("no process of the group was seen"),
            _ => Reading::Known(sampled.max(high_water)),
        };
        let no_gpu = || match self.basis {
            Ok(Basis::Gpus) => Reading::missing("no GPU told of memory that the stage held"),
            _ => Reading::missing("no GPU was metered"),
        };
        MemoryPeak { resident, gpu: gpu.clone().unwrap_or_else(no_gpu) }
    }

    /// Power over time: as sampled for GPUs; for packages and the model the mean since the sample before.
    pub fn power(&self) -> Vec<PowerSample> {
        let mut samples: Vec<PowerSample> = match self.basis {
            Ok(Basis::Gpus | Basis::Machine) => self.devices.iter().flat_map(|(device, readings)| gpus::power(*device, readings)).collect(),
            Ok(Basis::Packages) => self.devices.iter().flat_map(|(device, readings)| packages::power(*device, readings)).collect(),
            Ok(Basis::CpuTime { w_per_core }) => self.cpu.power(w_per_core),
            Err(_) => Vec::new(),
        };
        samples.sort_by_key(|sample| (sample.at, sample.device));
        samples
    }

    fn figure(&self, span: Span) -> Judged<Figure> {
        let basis = self.basis.as_ref().map_err(|why| Fault::new("no_meter", why.0.clone()))?;
        if span.length() <= Seconds(0.0) {
            return Err(Fault::new("empty_window", "the window ends before it begins"));
        }
        match basis {
            Basis::CpuTime { w_per_core } => self.modelled(span, *w_per_core),
            Basis::Packages => {
                long_enough(span)?;
                packages::figure(&self.devices, &self.nature, span, self.longest_gap())
            }
            Basis::Gpus => {
                long_enough(span)?;
                gpus::figure(&self.devices, &self.nature, span, self.longest_gap())
            }
            Basis::Machine => {
                long_enough(span)?;
                machine::figure(&self.devices, span, self.longest_gap())
            }
        }
    }

    fn modelled(&self, span: Span, w_per_core: Watts) -> Judged<Figure> {
        let used = self.cpu.between(span)?;
        if used.error.get() > MAX_CPU_TIME_ERROR * used.time.get() || used.time <= Seconds(0.0) {
            let reason = format!(
                "{:.1} ms of CPU time are known to {:.1} ms only, more than {:.0}%",
                used.time.get() * 1e3,
                used.error.get() * 1e3,
                MAX_CPU_TIME_ERROR * 100.0
            );
            return Err(Fault::new("cpu_time_too_coarse", reason));
        }
        Ok(Figure { source: EnergySource::Modelled, gross: w_per_core * used.time, residual: None, ticks: None, devices: vec![0] })
    }

    fn source(&self) -> Option<EnergySource> {
        let integrated = || self.nature.devices.values().map(|device| device.integrated).max();
        match self.basis {
            Ok(Basis::Gpus) => Some(integrated().unwrap_or(EnergySource::NvmlPower)),
            Ok(Basis::Packages) => Some(integrated().unwrap_or(EnergySource::Rapl)),
            Ok(Basis::Machine) => Some(EnergySource::External),
            Ok(Basis::CpuTime { .. }) => Some(EnergySource::Modelled),
            Err(_) => None,
        }
    }

    fn w_per_core(&self) -> Option<Watts> {
        match self.basis {
            Ok(Basis::CpuTime { w_per_core }) => Some(w_per_core),
            _ => None,
        }
    }

    fn longest_gap(&self) -> Seconds {
        let periods = self.interval * MAX_PERIODS;
        if periods > MIN_GAP { periods } else { MIN_GAP }
    }

    /// Instants at which something that energy rests on was read.
    fn instants(&self) -> Vec<Nanos> {
        match self.devices.values().next() {
            Some(readings) => readings.iter().map(|reading| reading.at).collect(),
            None => self.cpu.instants(),
        }
    }

    fn samples(&self, span: Span) -> u32 {
        self.instants().into_iter().filter(|at| span.holds(*at)).count() as u32
    }

    fn coverage(&self, span: Span) -> Option<f64> {
        let instants = self.instants();
        let (first, last) = (*instants.first()?, *instants.last()?);
        let covered = span.end.min(last).signed_since(span.start.max(first)).get().max(0.0);
        (span.length() > Seconds(0.0)).then(|| covered / span.length().get())
    }

    fn gpu_states(&self, devices: &[u32], span: Span) -> Vec<GpuState> {
        let averaged = |device: &u32| self.nature.devices.get(device).and_then(|nature| nature.averaged);
        let state = |device: &u32| {
            let state = gpus::state(*device, self.devices.get(device)?, span);
            Some(GpuState { averaged: averaged(device), ..state })
        };
        devices.iter().filter_map(state).collect()
    }
}

fn long_enough(span: Span) -> Judged<()> {
    let length = span.length();
    if length >= MIN_WINDOW {
        return Ok(());
    }
    Err(Fault::new("window_too_short", format!("{:.2} s are under {:.0} s: repeat the work", length.get(), MIN_WINDOW.get())))
}

#[cfg(test)]
mod faults;

#[cfg(test)]
mod tests {
    use record::Verdict;

    use super::*;
    use crate::DeviceNature;

    pub(super) fn s(seconds: f64) -> Nanos {
        Nanos((seconds * 1e9).round() as u64)
    }

    pub(super) fn trace(basis: Basis) -> Trace {
        Trace::new(Ok(basis), Nature::default(), Seconds(0.1), 2)
    }

    fn code(window: &EnergyWindow) -> &str {
        match &window.verdict {
            Verdict::Valid => "valid",
            Verdict::Invalid { code, .. } => code,
        }
    }

    pub(super) fn invalid(window: &EnergyWindow, expected: &str) {
        assert_eq!(code(window), expected, "{window:?}");
        let resident = window.net_resident.as_ref().is_some_and(|net| net.known().is_ok());
        let none = window.gross.known().is_err() && window.net.known().is_err() && !resident && window.residual.is_none() && !window.short;
        assert!(none, "an invalid window has no number");
    }

    pub(super) fn valid(window: &EnergyWindow, gross: f64) {
        assert_eq!(window.verdict, Verdict::Valid);
        let found = window.gross.known().unwrap().get();
        assert!((found - gross).abs() < 1e-6, "{found} is not {gross}");
    }

    const STAGE: u32 = 7;

    pub(super) fn held() -> Sight {
        Sight { name: "gpu".to_owned(), stage_pids: vec![STAGE], temperature_c: Some(50), ..Sight::default() }
    }

    /// Ten seconds of one GPU at 200 W from 10 s on, a sample every 0.1 s, the counter at both ends and in the middle.
    pub(super) fn gpu() -> Vec<DeviceReading> {
        let mut readings: Vec<DeviceReading> = (0..=100)
            .map(|tick| DeviceReading { power: Some(Watts(200.0)), ..DeviceReading::at(0, s(10.0 + f64::from(tick) * 0.1)) })
            .collect();
        for (tick, reading) in readings.iter_mut().enumerate() {
            if tick % 10 == 0 {
                reading.sight = Some(held());
            }
            if tick % 50 == 2 || tick == 100 {
                reading.counter_uj = Some(1_000_000 + tick as u64 * 20_000_000);
            }
        }
        readings
    }

    pub(super) fn on_gpu(readings: Vec<DeviceReading>) -> EnergyWindow {
        let mut trace = trace(Basis::Gpus);
        trace.devices(readings);
        trace.window("stage", s(10.0), s(20.0), &Idle(Reading::Known([(0, Watts(70.0))].into())))
    }

    pub(super) fn changed(change: impl FnOnce(&mut Vec<DeviceReading>)) -> EnergyWindow {
        let mut readings = gpu();
        change(&mut readings);
        on_gpu(readings)
    }

    #[test]
    fn a_steady_gpu_is_counted_between_ticks_and_integrated_beyond_them() {
        let window = on_gpu(gpu());
        valid(&window, 2000.0);
        assert_eq!((window.source, window.samples, window.coverage), (Some(EnergySource::NvmlCounter), 101, Some(1.0)));
        assert!(window.residual.unwrap().abs() < 1e-9);
        assert!((window.net.known().unwrap().get() - 1300.0).abs() < 1e-6);
        assert_eq!((window.gpus.len(), window.gpus[0].temperature_c), (1, Some(50)));
    }

    #[test]
    fn without_a_counter_power_alone_is_integrated_and_said_so() {
        let window = changed(|readings| readings.iter_mut().for_each(|reading| reading.counter_uj = None));
        valid(&window, 2000.0);
        assert_eq!((window.source, window.residual), (Some(EnergySource::NvmlPower), None));
    }

    #[test]
    fn the_source_says_which_of_the_meters_numbers_was_used() {
        let nature = |integrated, averaged| {
            let device = DeviceNature { name: "gpu-0".to_owned(), counted: EnergySource::NvmlCounter, integrated, averaged };
            Nature { devices: [(0, device)].into(), notes: vec!["it says so".to_owned()], ..Nature::default() }
        };
        let window = |nature, counted: bool| {
            let mut trace = Trace::new(Ok(Basis::Gpus), nature, Seconds(0.1), 2);
            let counter = |reading: DeviceReading| DeviceReading { counter_uj: reading.counter_uj.filter(|_| counted), ..reading };
            trace.devices(gpu().into_iter().map(counter).collect());
            trace.window("stage", s(10.0), s(20.0), &Idle::missing("none"))
        };
        let instant = || nature(EnergySource::NvmlInstant, Some(Seconds(0.0)));
        let averaged = || nature(EnergySource::NvmlPower, Some(Seconds(1.0)));
        assert_eq!(window(instant(), true).source, Some(EnergySource::NvmlCounter));
        assert_eq!(window(instant(), false).source, Some(EnergySource::NvmlInstant));
        let window = window(averaged(), false);
        assert_eq!((window.source, window.gpus[0].averaged), (Some(EnergySource::NvmlPower), Some(Seconds(1.0))));
        assert_eq!((window.devices, window.notes), (vec!["gpu-0".to_owned()], vec!["it says so".to_owned()]));
    }

    #[test]
    fn a_counted_window_tells_its_ticks_and_a_short_one_that_it_is_short() {
        let window = on_gpu(gpu());
        assert_eq!((window.ticks, window.short), (Some((s(10.2), s(20.0))), false));
        let mut trace = trace(Basis::Gpus);
        trace.devices(gpu());
        let short = trace.window("load", s(12.0), s(15.0), &Idle::missing("none"));
        assert_eq!((&short.verdict, short.short, short.ticks), (&Verdict::Valid, true, None));
    }

    #[test]
    fn gross_is_given_net_of_both_idle_powers() {
        let mut trace = trace(Basis::Gpus);
        trace.devices(gpu());
        let idle = |watts| Idle(Reading::Known([(0, Watts(watts))].into()));
        let window = trace.window_beside("speed", s(10.0), s(20.0), &idle(70.0), Some(&idle(130.0)));
        let close = |found: &Reading<Joules>, expected: f64| (found.known().unwrap().get() - expected).abs() < 1e-6;
        assert!(close(&window.net, 1300.0) && close(window.net_resident.as_ref().unwrap(), 700.0));
        assert_eq!(window.idle_resident, Some(Reading::Known(Watts(130.0))));
    }

    #[test]
    fn idle_power_with_the_stage_resident_is_told_of_gpus_that_it_holds() {
        let mut trace = trace(Basis::Gpus);
        trace.devices(gpu());
        let Idle(Reading::Known(idle)) = trace.idle(s(10.0), s(12.0)) else { panic!("it is missing") };
        assert!((idle[&0].get() - 200.0).abs() < 1e-9);
    }

    /// An external meter: a reading of 100 W a second for 20 s.
    fn plug(keep: impl Fn(u32) -> bool) -> Vec<DeviceReading> {
        let reading = |tick: u32| DeviceReading { power: Some(Watts(100.0)), ..DeviceReading::at(0, s(f64::from(tick))) };
        (0..=20).filter(|tick| keep(*tick)).map(reading).collect()
    }

    #[test]
    fn an_external_meter_is_integrated_at_its_own_pace() {
        let window = |keep: fn(u32) -> bool, start: f64, end: f64| {
            let mut trace = trace(Basis::Machine);
            trace.devices(plug(keep));
            trace.window("stage", s(start), s(end), &Idle(Reading::Known([(0, Watts(60.0))].into())))
        };
        let whole = window(|_| true, 2.5, 12.5);
        valid(&whole, 1000.0);
        assert_eq!((whole.source, whole.net), (Some(EnergySource::External), Reading::Known(Joules(400.0))));
        invalid(&window(|_| true, 2.5, 5.5), "window_too_short");
        invalid(&window(|tick| !(6..9).contains(&tick), 2.5, 12.5), "sampler_starved");
        invalid(&window(|_| true, 15.0, 20.5), "not_spanned");
        invalid(&window(|_| false, 2.0, 12.0), "not_spanned");
    }

    #[test]
    fn a_gpu_with_a_counter_and_no_power_is_counted_between_samples() {
        let counted = |tick: usize, reading: DeviceReading| DeviceReading {
            power: None,
            counter_uj: Some(5_000_000 + tick as u64 * 20_000_000),
            ..reading
        };
        let readings = || gpu().into_iter().enumerate().map(|(tick, reading)| counted(tick, reading)).collect();
        let window = on_gpu(readings());
        valid(&window, 2000.0);
        assert_eq!((window.source, window.residual), (Some(EnergySource::NvmlCounter), None));
        let mut trace = trace(Basis::Gpus);
        trace.devices(readings());
        assert_eq!(trace.power().len(), 100);
        let Idle(Reading::Known(idle)) = trace.idle(s(10.0), s(12.0)) else { panic!("it is missing") };
        assert!((idle[&0].get() - 200.0).abs() < 1e-6);
        let stuck = changed(|readings| readings.iter_mut().for_each(|reading| (reading.power, reading.counter_uj) = (None, Some(7))));
        invalid(&stuck, "counter_stuck");
    }

    #[test]
    fn a_gpu_that_the_stage_does_not_hold_is_not_counted() {
        let other = gpu().into_iter().map(|reading| DeviceReading {
            device: 1,
            sight: reading.sight.map(|_| Sight { foreign_pids: vec![99], ..Sight::default() }),
            ..reading
        });
        let window = on_gpu(gpu().into_iter().chain(other).collect());
        valid(&window, 2000.0);
        assert_eq!(window.gpus.len(), 1);
    }

    #[test]
    fn a_gpu_that_others_use_takes_no_idle_power_from_its_neighbours() {
        let with = |device, sight: Sight| {
            gpu().into_iter().map(move |reading| DeviceReading { device, sight: reading.sight.map(|_| sight.clone()), ..reading })
        };
        let mut trace = trace(Basis::Gpus);
        trace.devices(with(0, held()).chain(with(1, Sight { foreign_pids: vec![99], ..Sight::default() })).collect());
        let idle = trace.idle(s(10.0), s(12.0));
        assert!(idle.of(&[0]).known().is_ok() && idle.of(&[1]).known().is_err());
        assert!(trace.window("stage", s(10.0), s(20.0), &idle).net.known().is_ok());
    }

    #[test]
    fn a_short_window_of_a_sensor_is_refused() {
        let mut trace = trace(Basis::Gpus);
        trace.devices(gpu());
        let idle = Idle::missing("not asked");
        invalid(&trace.window("load", s(12.0), s(13.9), &idle), "window_too_short");
        invalid(&trace.window("load", s(13.0), s(12.0), &idle), "empty_window");
        let window = trace.window("load", s(12.0), s(14.0), &idle);
        valid(&window, 400.0);
        assert_eq!(window.net, Reading::missing("not asked"));
    }

    #[test]
    fn idle_power_is_the_mean_before_the_stage() {
        let mut trace = trace(Basis::Gpus);
        let alone = gpu().into_iter().map(|reading| DeviceReading { sight: reading.sight.map(|_| Sight::default()), ..reading });
        trace.devices(alone.collect());
        let Idle(Reading::Known(idle)) = trace.idle(s(10.0), s(11.0)) else { panic!("it is missing") };
        assert!((idle[&0].get() - 200.0).abs() < 1e-9);
        assert!(trace.idle(s(10.0), s(10.0)).0.known().is_err());
        assert!(trace.idle(s(9.0), s(11.0)).0.known().is_err());
    }

    #[test]
    fn a_gpu_in_use_has_no_idle_power() {
        let mut trace = trace(Basis::Gpus);
        let used = gpu()
            .into_iter()
            .map(|reading| DeviceReading { sight: reading.sight.map(|_| Sight { foreign_pids: vec![99], ..Sight::default() }), ..reading });
        trace.devices(used.collect());
        assert!(trace.idle(s(10.0), s(12.0)).0.known().unwrap_err().0.contains("99"));
    }

    /// Four seconds of one package at 50 W whose counter wraps at 300 J, from 250 J on.
    pub(super) fn package() -> Vec<DeviceReading> {
        let reading = |tick: u64| DeviceReading {
            counter_uj: Some((250_000_000 + tick * 5_000_000) % 300_000_000),
            counter_range_uj: Some(299_999_999),
            ..DeviceReading::at(0, s(tick as f64 * 0.1))
        };
        (0..=40).map(reading).collect()
    }

    pub(super) fn on_package(readings: Vec<DeviceReading>, start: f64, end: f64) -> EnergyWindow {
        let mut trace = trace(Basis::Packages);
        trace.devices(readings);
        trace.window("stage", s(start), s(end), &Idle(Reading::Known([(0, Watts(10.0))].into())))
    }

    #[test]
    fn a_package_is_counted_across_a_wrap_and_between_samples() {
        let window = on_package(package(), 0.55, 3.05);
        valid(&window, 125.0);
        assert_eq!((window.source, window.residual), (Some(EnergySource::Rapl), None));
        assert!((window.net.known().unwrap().get() - 100.0).abs() < 1e-6);
    }

    fn group(cpu: f64, lag: f64, resident: u64) -> GroupSample {
        GroupSample {
            pids: vec![STAGE],
            cpu: CpuTime { floor: Seconds(cpu), lag: Seconds(lag) },
            resident: Bytes(resident),
            high_water: Bytes(resident + 1),
            ever: 1,
            beside: CpuTime::default(),
        }
    }

    #[test]
    fn the_model_is_cpu_time_times_the_stated_power_and_knows_no_idle() {
        let mut trace = trace(Basis::CpuTime { w_per_core: Watts(8.0) });
        trace.before_stage(s(0.0));
        trace.group(s(0.1), &group(0.1, 0.004, 500));
        trace.total_cpu(s(0.2), Seconds(0.25), None);
        let window = trace.window("stage", s(0.0), s(0.2), &Idle(Reading::Known([(0, Watts(1.0))].into())));
        valid(&window, 2.0);
        assert_eq!((window.source, window.modelled_w_per_core), (Some(EnergySource::Modelled), Some(8.0)));
        assert!(window.idle.known().is_err() && window.net.known().is_err());
        assert_eq!(window.cpu_time, Reading::Known(Seconds(0.25)));
        assert_eq!((window.samples, window.coverage), (3, Some(1.0)));
        assert_eq!(trace.power().len(), 2);
        assert!((trace.power()[1].power.get() - 12.0).abs() < 1e-9);
    }

    #[test]
    fn a_model_of_too_little_cpu_time_is_refused() {
        let mut trace = trace(Basis::CpuTime { w_per_core: Watts(8.0) });
        trace.before_stage(s(0.0));
        trace.group(s(0.1), &group(0.01, 0.004, 500));
        let idle = Idle::missing("none");
        invalid(&trace.window("load", s(0.0), s(0.1), &idle), "cpu_time_too_coarse");
        invalid(&trace.window("load", s(0.0), s(0.2), &idle), "not_spanned");
    }

    #[test]
    fn a_stage_that_used_no_cpu_is_not_zero_joules() {
        let mut trace = trace(Basis::CpuTime { w_per_core: Watts(8.0) });
        trace.before_stage(s(0.0));
        trace.before_stage(s(5.0));
        invalid(&trace.window("stage", s(0.0), s(5.0), &Idle::missing("none")), "cpu_time_too_coarse");
    }

    #[test]
    fn without_a_meter_time_and_memory_remain() {
        let mut trace = Trace::new(Err(Missing::because("rapl: not there")), Nature::default(), Seconds(0.1), 2);
        trace.before_stage(s(0.0));
        trace.group(s(0.1), &group(0.1, 0.0, 500));
        let window = trace.window("stage", s(0.0), s(0.1), &Idle::missing("none"));
        invalid(&window, "no_meter");
        assert_eq!((window.source, &window.cpu_time), (None, &Reading::Known(Seconds(0.1))));
        assert_eq!(window.gross, Reading::missing("rapl: not there"));
        assert_eq!(trace.memory().resident, Reading::Known(Bytes(501)));
        assert!(trace.power().is_empty());
    }

    #[test]
    fn peak_memory_is_the_sampled_sum_or_the_kernels_own_mark() {
        let mut trace = trace(Basis::Gpus);
        assert!(trace.memory().resident.known().is_err() && trace.memory().gpu.known().is_err());
        trace.group(s(0.1), &group(0.1, 0.0, 500));
        trace.group(s(0.2), &GroupSample { resident: Bytes(900), high_water: Bytes(600), ever: 2, ..group(0.1, 0.0, 0) });
        trace.group(s(0.3), &group(0.1, 0.0, 400));
        let sight = |bytes| Some(Sight { stage_memory: Some(Reading::Known(Bytes(bytes))), ..held() });
        trace.devices(vec![
            DeviceReading { sight: sight(5), ..DeviceReading::at(0, s(0.1)) },
            DeviceReading { sight: sight(6), ..DeviceReading::at(1, s(0.1)) },
        ]);
        trace.devices(vec![DeviceReading { sight: sight(9), ..DeviceReading::at(0, s(0.2)) }]);
        assert_eq!(trace.memory(), MemoryPeak { resident: Reading::Known(Bytes(900)), gpu: Reading::Known(Bytes(11)) });
        let lost = DeviceReading { fault: Some("gpu is lost".to_owned()), ..DeviceReading::at(1, s(0.3)) };
        trace.devices(vec![lost.clone()]);
        assert_eq!(trace.memory().gpu, Reading::Known(Bytes(11)));
        trace.devices(vec![DeviceReading { sight: sight(9), ..DeviceReading::at(0, s(0.3)) }, lost]);
        assert_eq!(trace.memory().gpu, Reading::missing("GPU 1: gpu is lost"));
    }

    #[test]
    fn a_peak_of_gpu_memory_is_missing_where_one_share_is_not_told() {
        let check = |unknown: Sight, reason: &str| {
            let mut trace = trace(Basis::Gpus);
            let known = Sight { stage_memory: Some(Reading::Known(Bytes(5))), ..held() };
            let reading = |device, sight: &Sight| DeviceReading { sight: Some(sight.clone()), ..DeviceReading::at(device, s(0.1)) };
            trace.devices(vec![reading(0, &known), reading(1, &unknown)]);
            trace.devices(vec![reading(0, &known), reading(1, &known)]);
            assert_eq!(trace.memory().gpu, Reading::missing(reason));
        };
        check(Sight { stage_memory: Some(Reading::missing("untold")), ..held() }, "untold");
        check(
            Sight { unlisted: Some("no permission".to_owned()), ..Sight::default() },
            "the processes on GPU 1 could not be listed: no permission",
        );
    }
}
