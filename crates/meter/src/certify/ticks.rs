//! When a device's value changes: the ticks of a counter, the refresh of a power field.

use units::{Nanos, Seconds};

use super::{RawRead, Spread};

/// A counter's value and the instant at which it was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Half way between the last read of the old value and the first of the new one.
    pub at: Nanos,
    /// Microjoules.
    pub value: u64,
}

/// The ticks of a counter. The value at the first read is no tick: when it was reached is not known.
pub fn ticks(reads: &[RawRead<u64>]) -> Vec<Tick> {
    changes(reads).into_iter().map(|(at, value)| Tick { at, value }).collect()
}

/// Every new value and when it came, half way between the last read of the old one and its own first.
pub fn changes<T: PartialEq + Copy>(reads: &[RawRead<T>]) -> Vec<(Nanos, T)> {
    let changed = reads.windows(2).filter(|pair| pair[0].value != pair[1].value);
    changed.map(|pair| (Nanos(u64::midpoint(pair[0].at.get(), pair[1].at.get())), pair[1].value)).collect()
}

/// Time between two changes, in seconds. Of a power field whose value happens to stay the same over a refresh, some are twice as long.
pub fn period<T>(changes: &[(Nanos, T)]) -> Option<Spread> {
    let gaps = changes.windows(2).map(|pair| pair[1].0.since(pair[0].0)).map(Seconds::get);
    Spread::of(gaps.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::{
        super::synthetic::{Device, POLL, TICK},
        *,
    };

    #[test]
    fn a_counter_of_a_known_period_is_found_out() {
        let watched = Device { watts: |_| 200.0, gain: 1.0, seconds: 5.0 }.watched();
        let ticks = ticks(&watched.counter);
        assert_eq!(ticks.len(), 49);
        let period = period(&changes(&watched.counter)).unwrap();
        assert!((period.median - TICK).abs() < POLL && (period.max - TICK).abs() <= POLL, "{period:?}");
        // 20 J a tick.
        assert!(ticks.windows(2).all(|pair| (pair[1].value - pair[0].value).abs_diff(20_000_000) < 500_000));
    }

    #[test]
    fn what_never_changes_has_no_period() {
        let stuck: Vec<RawRead<u64>> = (0..9).map(|at| RawRead { at: Nanos(at), took: Seconds(0.0), value: 7 }).collect();
        assert_eq!((ticks(&stuck).len(), period(&changes(&stuck))), (0, None));
        assert!(ticks(&[]).is_empty());
    }
}
