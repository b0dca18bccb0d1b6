//! Windows on GPUs: power integrated, the counter between its own ticks near the window's edges, and one checked by the other.
//!
//! Only GPUs that held the stage's processes count. The counter is read when it ticks, shortly after an edge; what lies between
//! tick and edge is taken from the power samples.

use std::collections::{BTreeMap, BTreeSet};

use record::{EnergySource, GpuState, PowerSample};
use units::{Joules, Nanos, Seconds, Watts};

use super::{
    Fault, Figure, Judged, MAX_RESIDUAL, Span,
    curve::{Curve, not_starved},
    packages::{self, not_lost},
};
use crate::{DeviceNature, DeviceReading, Nature, Sight};

/// How far from a window's edge a counter's tick may lie to stand for it.
const NEAR: Seconds = Seconds(0.5);

/// The energy of the GPUs that held the stage.
pub(super) fn figure(devices: &BTreeMap<u32, Vec<DeviceReading>>, nature: &Nature, span: Span, longest_gap: Seconds) -> Judged<Figure> {
    listed(devices, span)?;
    let held: Vec<u32> = devices.iter().filter(|(_, readings)| holds_stage(readings)).map(|(device, _)| *device).collect();
    if held.is_empty() {
        let reason = "no GPU lists a process of the stage; a container must share the host's process ids to be metered";
        return Err(Fault::new("gpu_not_held", reason));
    }
    let each = held.iter().map(|device| one(*device, &devices[device], span, longest_gap)).collect::<Judged<Vec<One>>>()?;
    Ok(Figure {
        source: held
            .iter()
            .zip(&each)
            .map(|(device, one)| source(nature.devices.get(device), one))
            .max()
            .unwrap_or(EnergySource::NvmlPower),
        ticks: ticked(&each),
        gross: each.iter().map(|one| one.energy).sum(),
        residual: each.iter().filter_map(|one| one.residual).max_by(|a, b| a.abs().total_cmp(&b.abs())),
        devices: held,
    })
}

/// Where one GPU's energy comes from.
fn source(nature: Option<&DeviceNature>, one: &One) -> EnergySource {
    match (one.ticks.is_some(), nature) {
        (true, nature) => nature.map_or(EnergySource::NvmlCounter, |nature| nature.counted),
        (false, nature) => nature.map_or(EnergySource::NvmlPower, |nature| nature.integrated),
    }
}

/// The first and the last tick of all the counters, when every GPU was counted.
fn ticked(each: &[One]) -> Option<(Nanos, Nanos)> {
    let all: Option<Vec<(Nanos, Nanos)>> = each.iter().map(|one| one.ticks).collect();
    all?.into_iter().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// Mean power of one GPU, with nothing on it.
pub(super) fn idle(readings: &[DeviceReading], span: Span, longest_gap: Seconds) -> Judged<Watts> {
    let device = readings.first().map_or(0, |reading| reading.device);
    if let Some(why) = sights(readings, span).find_map(|sight| sight.unlisted.as_ref()) {
        return Err(Fault::new("processes_unknown", format!("the processes on GPU {device} could not be listed: {why}")));
    }
    alone(device, readings, span)?;
    if span.length() <= Seconds(0.0) {
        return Err(Fault::new("empty_window", "it was not measured"));
    }
    if is_counted_only(readings) {
        return packages::idle(readings, span, longest_gap);
    }
    Ok(integral(device, readings, span, longest_gap)? / span.length())
}

/// Whether a GPU tells its counter and no power: then the counter, read at every sample, stands alone.
fn is_counted_only(readings: &[DeviceReading]) -> bool {
    readings.iter().all(|reading| reading.power.is_none()) && readings.iter().any(|reading| reading.counter_uj.is_some())
}

/// The power samples as they are.
pub(super) fn power(device: u32, readings: &[DeviceReading]) -> Vec<PowerSample> {
    if is_counted_only(readings) {
        return packages::power(device, readings);
    }
    readings.iter().filter_map(|reading| Some(PowerSample { at: reading.at, device, power: reading.power? })).collect()
}

/// What state a GPU was in during a window.
pub(super) fn state(device: u32, readings: &[DeviceReading], span: Span) -> GpuState {
    let own = own(readings);
    let mut state = GpuState { index: device, ..GpuState::default() };
    for sight in sights(readings, span) {
        state.name.clone_from(&sight.name);
        state.temperature_c = state.temperature_c.max(sight.temperature_c);
        state.sm_clock_mhz = sight.sm_clock_mhz.or(state.sm_clock_mhz);
        state.sm_clock_lowest_mhz = [state.sm_clock_lowest_mhz, sight.sm_clock_mhz].into_iter().flatten().min();
        state.memory_clock_mhz = sight.memory_clock_mhz.or(state.memory_clock_mhz);
        state.power_limit_w = sight.power_limit.map(Watts::get).or(state.power_limit_w);
        if let Some(reasons) = sight.throttle_reasons {
            state.throttle_reasons = Some(state.throttle_reasons.unwrap_or(0) | reasons);
        }
        state.foreign_pids.extend(foreign(sight, &own));
    }
    state.foreign_pids.sort_unstable();
    state.foreign_pids.dedup();
    state
}

struct One {
    energy: Joules,
    residual: Option<f64>,
    ticks: Option<(Nanos, Nanos)>,
}

fn one(device: u32, readings: &[DeviceReading], span: Span, longest_gap: Seconds) -> Judged<One> {
    alone(device, readings, span)?;
    if is_counted_only(readings) {
        let energy = packages::energy(device, readings, span, longest_gap)?;
        return Ok(One { energy, residual: None, ticks: packages::bracket(readings, span) });
    }
    let whole = integral(device, readings, span, longest_gap)?;
    let Some((first, last)) = ticks(readings, span) else { return Ok(One { energy: whole, residual: None, ticks: None }) };
    if last.1 < first.1 {
        return Err(Fault::new("counter_backwards", format!("the counter of GPU {device} fell from {} to {} uJ", first.1, last.1)));
    }
    let counted = Joules((last.1 - first.1) as f64 / 1e6);
    if counted <= Joules(0.0) {
        return Err(Fault::new("counter_stuck", format!("the counter of GPU {device} did not move in {:.1} s", span.length().get())));
    }
    let curve = curve(readings);
    let between = curve.energy(first.0, last.0)?;
    let residual = (counted - between) / between;
    if residual.is_nan() || residual.abs() > MAX_RESIDUAL {
        let reason = format!("counter and integral of GPU {device} are {:.1}% apart", residual * 100.0);
        return Err(Fault::new("residual", reason));
    }
    let edges = curve.energy(span.start, first.0)? - curve.energy(span.end, last.0)?;
    Ok(One { energy: counted + edges, residual: Some(residual), ticks: Some((first.0, last.0)) })
}

fn curve(readings: &[DeviceReading]) -> Curve {
    Curve::new(readings.iter().filter_map(|reading| Some((reading.at, reading.power?))))
}

pub(super) fn integral(device: u32, readings: &[DeviceReading], span: Span, longest_gap: Seconds) -> Judged<Joules> {
    not_lost(device, readings, span)?;
    let energy = curve(readings).energy(span.start, span.end)?;
    let instants: Vec<Nanos> = readings.iter().filter(|reading| reading.power.is_some()).map(|reading| reading.at).collect();
    not_starved(&instants, span, longest_gap)?;
    Ok(energy)
}

/// The counter's ticks nearest to the window's edges, when both are near enough.
fn ticks(readings: &[DeviceReading], span: Span) -> Option<((Nanos, u64), (Nanos, u64))> {
    let nearest = |edge: Nanos| {
        let ticks = readings.iter().filter_map(|reading| Some((reading.at, reading.counter_uj?)));
        ticks.min_by_key(|(at, _)| at.get().abs_diff(edge.get())).filter(|(at, _)| at.signed_since(edge).get().abs() <= NEAR.get())
    };
    let (first, last) = (nearest(span.start)?, nearest(span.end)?);
    (first.0 < last.0).then_some((first, last))
}

pub(super) fn holds_stage(readings: &[DeviceReading]) -> bool {
    readings.iter().filter_map(|reading| reading.sight.as_ref()).any(|sight| !sight.stage_pids.is_empty())
}

/// Checks that the processes on every GPU could be listed: without them nobody knows whose energy it is.
fn listed(devices: &BTreeMap<u32, Vec<DeviceReading>>, span: Span) -> Judged<()> {
    let unlisted =
        devices.iter().find_map(|(device, readings)| Some((device, sights(readings, span).find_map(|sight| sight.unlisted.as_ref())?)));
    unlisted.map_or(Ok(()), |(device, why)| {
        Err(Fault::new("processes_unknown", format!("the processes on GPU {device} could not be listed: {why}")))
    })
}

/// Checks that a GPU belonged to the stage alone.
fn alone(device: u32, readings: &[DeviceReading], span: Span) -> Judged<()> {
    let own = own(readings);
    for sight in sights(readings, span) {
        if sight.partitioned {
            return Err(Fault::new("mig", format!("GPU {device} is partitioned (MIG): its power is the whole board's")));
        }
        if let Some(why) = &sight.unseen {
            return Err(Fault::new("processes_unknown", format!("GPU {device} may also hold others: {why}")));
        }
        let foreign: Vec<u32> = foreign(sight, &own).collect();
        if !foreign.is_empty() {
            return Err(Fault::new("foreign_process", format!("GPU {device} also held processes {foreign:?}")));
        }
    }
    Ok(())
}

/// Every process of the stage that was ever seen on a GPU.
fn own(readings: &[DeviceReading]) -> BTreeSet<u32> {
    readings.iter().filter_map(|reading| reading.sight.as_ref()).flat_map(|sight| sight.stage_pids.iter().copied()).collect()
}

/// The others of a sight. The driver lists its processes a little after the group was read, and a daemon is on the GPU before it is
/// watched: who is later seen to be of the stage was of it then too.
fn foreign<'a>(sight: &'a Sight, own: &'a BTreeSet<u32>) -> impl Iterator<Item = u32> + 'a {
    sight.foreign_pids.iter().copied().filter(|pid| !own.contains(pid))
}

/// The sights inside a window and the next one on either side: a sight is taken once a second.
fn sights(readings: &[DeviceReading], span: Span) -> impl Iterator<Item = &Sight> {
    let seen: Vec<(Nanos, &Sight)> = readings.iter().filter_map(|reading| Some((reading.at, reading.sight.as_ref()?))).collect();
    let from = seen.partition_point(|(at, _)| *at < span.start).saturating_sub(1);
    let to = (seen.partition_point(|(at, _)| *at <= span.end) + 1).min(seen.len());
    seen.into_iter().take(to).skip(from).map(|(_, sight)| sight)
}
