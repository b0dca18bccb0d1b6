//! Windows on processor packages and their memory: the counters' difference between the window's edges, interpolated there.

use std::collections::BTreeMap;

use record::{EnergySource, PowerSample};
use units::{Joules, Nanos, Seconds, Watts};

use super::{
    Fault, Figure, Judged, Span,
    counter::Risen,
    curve::{not_starved, spanned},
};
use crate::{DeviceReading, Nature};

/// The energy of all packages.
pub(super) fn figure(devices: &BTreeMap<u32, Vec<DeviceReading>>, nature: &Nature, span: Span, longest_gap: Seconds) -> Judged<Figure> {
    if devices.is_empty() {
        return Err(Fault::new("not_spanned", "no package was read"));
    }
    let gross = devices.iter().map(|(device, readings)| energy(*device, readings, span, longest_gap)).sum::<Judged<Joules>>()?;
    let source = nature.devices.values().map(|device| device.counted).max().unwrap_or(EnergySource::Rapl);
    Ok(Figure { source, gross, residual: None, ticks: ticks(devices, span), devices: devices.keys().copied().collect() })
}

/// The readings that bracket the window, between which its edges lie.
fn ticks(devices: &BTreeMap<u32, Vec<DeviceReading>>, span: Span) -> Option<(Nanos, Nanos)> {
    bracket(devices.values().next()?, span)
}

pub(super) fn bracket(readings: &[DeviceReading], span: Span) -> Option<(Nanos, Nanos)> {
    let readings = around(readings, span);
    Some((readings.first()?.at, readings.last()?.at))
}

/// Mean power of one package.
pub(super) fn idle(readings: &[DeviceReading], span: Span, longest_gap: Seconds) -> Judged<Watts> {
    let device = readings.first().map_or(0, |reading| reading.device);
    Ok(energy(device, readings, span, longest_gap)? / span.length())
}

/// Mean power between each two readings, at the later one.
pub(super) fn power(device: u32, readings: &[DeviceReading]) -> Vec<PowerSample> {
    let Ok(risen) = risen(readings) else { return Vec::new() };
    let mean = |pair: &[(Nanos, Joules)]| (pair[1].1 - pair[0].1) / pair[1].0.since(pair[0].0);
    let rising = risen.points().windows(2).filter(|pair| pair[1].0 > pair[0].0);
    rising.map(|pair| PowerSample { at: pair[1].0, device, power: mean(pair) }).collect()
}

pub(super) fn energy(device: u32, readings: &[DeviceReading], span: Span, longest_gap: Seconds) -> Judged<Joules> {
    let readings = around(readings, span);
    not_lost(device, readings, span)?;
    let instants: Vec<Nanos> = counters(readings).map(|(at, _)| at).collect();
    spanned(instants.iter().copied(), span)?;
    not_starved(&instants, span, longest_gap)?;
    let risen = risen(readings)?;
    let at = |instant| risen.at(instant).ok_or_else(|| Fault::new("not_spanned", "samples do not span the window"));
    let energy = at(span.end)? - at(span.start)?;
    if energy <= Joules(0.0) {
        return Err(Fault::new("counter_stuck", format!("the counter of package {device} did not move in {:.1} s", span.length().get())));
    }
    Ok(energy)
}

/// The readings inside a window and the next one on either side: what happened elsewhere is no fault of this window.
fn around(readings: &[DeviceReading], span: Span) -> &[DeviceReading] {
    let from = readings.partition_point(|reading| reading.at <= span.start).saturating_sub(1);
    let to = (readings.partition_point(|reading| reading.at < span.end) + 1).min(readings.len());
    readings.get(from..to).unwrap_or_default()
}

/// Checks that a device could be read all through a window.
pub(super) fn not_lost(device: u32, readings: &[DeviceReading], span: Span) -> Judged<()> {
    let lost = readings.iter().filter(|reading| span.holds(reading.at)).find_map(|reading| reading.fault.as_deref());
    lost.map_or(Ok(()), |why| Err(Fault::new("device_lost", format!("device {device} could not be read: {why}"))))
}

fn counters(readings: &[DeviceReading]) -> impl Iterator<Item = (Nanos, u64)> {
    readings.iter().filter_map(|reading| Some((reading.at, reading.counter_uj?)))
}

fn risen(readings: &[DeviceReading]) -> Judged<Risen> {
    let range = readings.iter().find_map(|reading| reading.counter_range_uj);
    Risen::new(&counters(readings).collect::<Vec<_>>(), range)
}
