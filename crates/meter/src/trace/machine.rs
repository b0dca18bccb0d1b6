//! Windows on an external meter: its power integrated at its own pace, which is often a second.

use std::collections::BTreeMap;

use record::EnergySource;
use units::{Nanos, Seconds, Watts};

use super::{Fault, Figure, Judged, Span, gpus::integral};
use crate::DeviceReading;

/// Readings a window must hold: fewer say little of what happened between them.
const FEWEST: f64 = 4.0;

/// How many of its own periods may lie between two readings.
const MAX_PERIODS: f64 = 2.5;

/// The energy of the whole machine.
pub(super) fn figure(devices: &BTreeMap<u32, Vec<DeviceReading>>, span: Span, longest_gap: Seconds) -> Judged<Figure> {
    let Some((device, readings)) = devices.iter().next() else {
        return Err(Fault::new("not_spanned", "the external meter has told nothing yet"));
    };
    let period = period(readings);
    if span.length() < period * FEWEST {
        let reason = format!("{:.1} s hold too few readings of a meter that tells one every {:.1} s", span.length().get(), period.get());
        return Err(Fault::new("window_too_short", reason));
    }
    let gross = integral(*device, readings, span, allowed(period, longest_gap))?;
    Ok(Figure { source: EnergySource::External, gross, residual: None, ticks: None, devices: vec![*device] })
}

/// Mean power of the whole machine.
pub(super) fn idle(readings: &[DeviceReading], span: Span, longest_gap: Seconds) -> Judged<Watts> {
    if span.length() <= Seconds(0.0) {
        return Err(Fault::new("empty_window", "it was not measured"));
    }
    let device = readings.first().map_or(0, |reading| reading.device);
    Ok(integral(device, readings, span, allowed(period(readings), longest_gap))? / span.length())
}

fn allowed(period: Seconds, longest_gap: Seconds) -> Seconds {
    let own = period * MAX_PERIODS;
    if own > longest_gap { own } else { longest_gap }
}

/// The meter's own period: the median gap between its readings. Taken over all of them, so that a gap in a window is not mistaken for its pace.
fn period(readings: &[DeviceReading]) -> Seconds {
    let instants: Vec<Nanos> = readings.iter().filter(|reading| reading.power.is_some()).map(|reading| reading.at).collect();
    let mut gaps: Vec<u64> = instants.windows(2).map(|pair| pair[1].get().saturating_sub(pair[0].get())).collect();
    gaps.sort_unstable();
    gaps.get(gaps.len() / 2).map_or(Seconds(0.0), |gap| Seconds(*gap as f64 / 1e9))
}
