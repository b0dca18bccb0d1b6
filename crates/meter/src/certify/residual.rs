//! Counter against integral: (counted − integrated) / integrated over many windows of one length, and how well two equal windows
//! agree.
//!
//! Both come from one trace: windows slide over it, a start at every tick (aligned) or at reads anywhere (unaligned, as who reads
//! the counter before and after would have it).

use serde::{Deserialize, Serialize};
use units::{Joules, Nanos, Seconds, Watts};

use super::{RawRead, Tick};
use crate::trace::integrate;

/// Windows of one length that are looked at, at most: more tell no more.
const MOST_WINDOWS: usize = 300;

/// How far counter and integral are apart over windows of one length.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Residual {
    /// Their length, in seconds.
    pub window_s: f64,
    /// How many there were. They overlap.
    pub n: usize,
    /// Mean, signed: a share.
    pub mean: f64,
    /// The one furthest from zero, signed.
    pub worst: f64,
}

/// How well two equal windows, one after the other, agree.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Repeatability {
    /// Length of each, in seconds.
    pub window_s: f64,
    /// How many pairs there were. They overlap.
    pub pairs: usize,
    /// Mean distance of their mean powers, as a share of these.
    pub mean: f64,
    /// The largest.
    pub worst: f64,
}

/// A counter's value at an instant: ticks where windows are to be aligned, plain reads where they are not.
pub(crate) type Counted = (Nanos, u64);

impl From<Tick> for Counted {
    fn from(tick: Tick) -> Self {
        (tick.at, tick.value)
    }
}

impl From<RawRead<u64>> for Counted {
    fn from(read: RawRead<u64>) -> Self {
        (read.at, read.value)
    }
}

/// The residual over windows of `length` that begin and end at points of `counter`; `None` when the trace holds no such window.
pub fn residuals<C: Copy + Into<(Nanos, u64)>>(counter: &[C], power: &[(Nanos, Watts)], length: Seconds) -> Option<Residual> {
    let points: Vec<Counted> = counter.iter().map(|point| (*point).into()).collect();
    let each: Vec<f64> = windows(&points, length).filter_map(|(from, to)| residual(from, to, power)).collect();
    let worst = each.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()))?;
    Some(Residual { window_s: length.get(), n: each.len(), mean: each.iter().sum::<f64>() / each.len() as f64, worst })
}

/// How well two windows of `length` between ticks, one after the other, agree in their mean power.
pub fn repeatability(ticks: &[Tick], length: Seconds) -> Option<Repeatability> {
    let points: Vec<Counted> = ticks.iter().map(|tick| (*tick).into()).collect();
    let apart = |(first, middle): (Counted, Counted)| {
        let last = at_or_after(&points, middle.0, length)?;
        let (one, other) = (mean_power(first, middle)?, mean_power(middle, last)?);
        Some((one - other).get().abs() / ((one + other) / 2.0).get())
    };
    let each: Vec<f64> = windows(&points, length).filter_map(apart).filter(|share| share.is_finite()).collect();
    let worst = each.iter().copied().max_by(f64::total_cmp)?;
    Some(Repeatability { window_s: length.get(), pairs: each.len(), mean: each.iter().sum::<f64>() / each.len() as f64, worst })
}

fn residual(from: Counted, to: Counted, power: &[(Nanos, Watts)]) -> Option<f64> {
    let integral = integrate(power, from.0, to.0)?;
    let residual = (energy(from, to)? - integral) / integral;
    residual.is_finite().then_some(residual)
}

/// Windows of a length that begin and end at points, their starts spread over all.
fn windows(points: &[Counted], length: Seconds) -> impl Iterator<Item = (Counted, Counted)> {
    let step = points.len().div_ceil(MOST_WINDOWS).max(1);
    points.iter().step_by(step).filter_map(move |start| Some((*start, at_or_after(points, start.0, length)?)))
}

/// The point nearest to `length` after `from`, at most a hundredth of the length (or half a tick) away from it.
fn at_or_after(points: &[Counted], from: Nanos, length: Seconds) -> Option<Counted> {
    let wanted = Nanos(from.get() + (length.get() * 1e9) as u64);
    let after = points.partition_point(|(at, _)| *at < wanted);
    let next = points.get(after).copied()?;
    let last = points.get(after.checked_sub(1)?).copied()?;
    Some(if next.0.since(wanted) <= wanted.since(last.0) || last.0 <= from { next } else { last })
}

fn energy(from: Counted, to: Counted) -> Option<Joules> {
    Some(Joules(to.1.checked_sub(from.1)? as f64 / 1e6))
}

fn mean_power(from: Counted, to: Counted) -> Option<Watts> {
    (to.0 > from.0).then_some(())?;
    Some(energy(from, to)? / to.0.since(from.0))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Watched, synthetic::Device, ticks},
        *,
    };

    fn power(watched: &Watched) -> Vec<(Nanos, Watts)> {
        watched.instant.iter().map(|read| (read.at, read.value)).collect()
    }

    /// On for 40 ms, off for 40 ms.
    fn pulsed(t: f64) -> f64 {
        if ((t / 0.04) as u64).is_multiple_of(2) { 700.0 } else { 100.0 }
    }

    fn close(found: f64, expected: f64, by: f64) {
        assert!((found - expected).abs() < by, "{found} is not {expected} within {by}");
    }

    #[test]
    fn a_known_residual_is_found_between_ticks_at_every_length() {
        let watched = Device { watts: |_| 200.0, gain: 0.97, seconds: 15.0 }.watched();
        let ticks = ticks(&watched.counter);
        for length in [0.5, 1.0, 2.0, 5.0, 10.0] {
            let found = residuals(&ticks, &power(&watched), Seconds(length)).unwrap();
            close(found.mean, -0.03, 1e-3);
            close(found.worst, -0.03, 0.01);
        }
    }

    #[test]
    fn windows_anywhere_are_wrong_by_up_to_a_tick() {
        let watched = Device { watts: |_| 200.0, gain: 1.0, seconds: 15.0 }.watched();
        let half = residuals(&watched.counter, &power(&watched), Seconds(0.55)).unwrap();
        assert!(half.worst.abs() > 0.05, "{half:?}");
        let aligned = residuals(&ticks(&watched.counter), &power(&watched), Seconds(0.55)).unwrap();
        assert!(aligned.worst.abs() < 0.01, "{aligned:?}");
    }

    #[test]
    fn a_pulsed_load_is_no_harder_between_ticks_when_power_is_read_often() {
        let watched = Device { watts: pulsed, gain: 1.0, seconds: 15.0 }.watched();
        let found = residuals(&ticks(&watched.counter), &power(&watched), Seconds(2.0)).unwrap();
        assert!(found.worst.abs() < 0.01, "{found:?}");
    }

    #[test]
    fn equal_windows_agree_and_a_step_between_them_is_told() {
        let even = Device { watts: |_| 200.0, gain: 1.0, seconds: 12.0 }.watched();
        let found = repeatability(&ticks(&even.counter), Seconds(5.0)).unwrap();
        assert!(found.worst < 0.01 && found.pairs > 3, "{found:?}");
        let step = Device { watts: |t| if t < 6.0 { 200.0 } else { 220.0 }, gain: 1.0, seconds: 12.0 }.watched();
        close(repeatability(&ticks(&step.counter), Seconds(5.0)).unwrap().worst, 20.0 / 210.0, 0.02);
    }

    #[test]
    fn what_the_trace_does_not_hold_is_not_told() {
        let watched = Device { watts: |_| 200.0, gain: 1.0, seconds: 3.0 }.watched();
        let ticks = ticks(&watched.counter);
        assert_eq!(residuals(&ticks, &power(&watched), Seconds(5.0)), None);
        assert_eq!(residuals(&ticks, &[], Seconds(1.0)), None);
        assert_eq!(repeatability(&ticks, Seconds(2.0)), None);
        assert_eq!(residuals::<Tick>(&[], &[], Seconds(1.0)), None);
    }

    #[test]
    fn a_counter_that_falls_or_a_device_without_power_gives_no_share() {
        let falling = [(Nanos(0), 9_u64), (Nanos(1_000_000_000), 3)];
        let power = [(Nanos(0), Watts(0.0)), (Nanos(2_000_000_000), Watts(0.0))];
        assert_eq!(residuals(&falling, &power, Seconds(1.0)), None);
        assert_eq!(residuals(&[(Nanos(0), 0_u64), (Nanos(1_000_000_000), 0)], &power, Seconds(1.0)), None);
    }
}
