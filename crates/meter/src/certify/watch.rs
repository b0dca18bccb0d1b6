//! Reads all that one device tells, as often as it can, for a while.

use std::time::Duration;

use units::{Nanos, Seconds, Watts};

use super::{Spread, ticks::period};
use crate::{Channel, Meter, Raw, certify::changes};

/// Most rounds of one examination: a bound on memory, not a wish.
const MOST_READS: usize = 4_000_000;

/// One value as it was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RawRead<T> {
    /// The middle of the call.
    pub at: Nanos,
    /// How long the call took.
    pub took: Seconds,
    /// What it told.
    pub value: T,
}

/// All that one device told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watched {
    /// Its energy counter, in microjoules.
    pub counter: Vec<RawRead<u64>>,
    /// Its instantaneous power.
    pub instant: Vec<RawRead<Watts>>,
    /// The power that it averages by itself.
    pub average: Vec<RawRead<Watts>>,
    /// Reads that failed, and why the last one did.
    pub failed: (u32, Option<String>),
}

impl Watched {
    /// What was read between two instants.
    #[must_use]
    pub fn between(&self, from: Nanos, to: Nanos) -> Self {
        Self {
            counter: cut(&self.counter, from, to),
            instant: cut(&self.instant, from, to),
            average: cut(&self.average, from, to),
            failed: self.failed.clone(),
        }
    }

    /// The best power that the device tells: now, else averaged.
    pub fn power(&self) -> Vec<(Nanos, Watts)> {
        let reads = if self.instant.is_empty() { &self.average } else { &self.instant };
        reads.iter().map(|read| (read.at, read.value)).collect()
    }
}

impl<T: PartialEq + Copy> RawRead<T> {
    /// Durations of the calls, in seconds.
    pub fn calls(reads: &[Self]) -> Option<Spread> {
        Spread::of(reads.iter().map(|read| read.took.get()).collect::<Vec<_>>())
    }

    /// Time between two changes of the value, in seconds.
    pub fn refresh(reads: &[Self]) -> Option<Spread> {
        period(&changes(reads))
    }
}

fn cut<T: Copy>(reads: &[RawRead<T>], from: Nanos, to: Nanos) -> Vec<RawRead<T>> {
    reads.iter().filter(|read| (from..=to).contains(&read.at)).copied().collect()
}

/// Reads every channel of a device in turn until `until` says stop, with a pause between the rounds; blocks meanwhile. `pause` is
/// handed in so that a test need not wait.
pub fn watch(meter: &mut dyn Meter, device: u32, pause: Duration, mut goes_on: impl FnMut(Nanos) -> bool) -> Watched {
    let mut watched = Watched::default();
    for _ in 0..MOST_READS {
        if !goes_on(record::clock::now()) {
            break;
        }
        for channel in [Channel::Counter, Channel::Instant, Channel::Average] {
            let before = record::clock::now();
            let told = meter.raw(device, channel);
            let after = record::clock::now();
            watched.take(channel, told, before, after);
        }
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }
    watched
}

impl Watched {
    fn take(&mut self, channel: Channel, told: Option<Result<Raw, String>>, before: Nanos, after: Nanos) {
        let (at, took) = (Nanos(u64::midpoint(before.get(), after.get())), after.since(before));
        match (channel, told) {
            (_, None) => {}
            (Channel::Counter, Some(Ok(Raw::Microjoules(value)))) => self.counter.push(RawRead { at, took, value }),
            (Channel::Instant, Some(Ok(Raw::Power(value)))) => self.instant.push(RawRead { at, took, value }),
            (Channel::Average, Some(Ok(Raw::Power(value)))) => self.average.push(RawRead { at, took, value }),
            (_, Some(Ok(_))) => self.failed = (self.failed.0 + 1, Some("a value of another kind came back".to_owned())),
            (_, Some(Err(reason))) => self.failed = (self.failed.0 + 1, Some(reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Basis, DeviceReading, Effort};

    /// Tells a counter that rises at every read, and no averaged power.
    struct Fake(u64);

    impl Meter for Fake {
        fn basis(&self) -> Basis {
            Basis::Gpus
        }

        fn read(&mut self, _effort: Effort, _stage: &[u32]) -> Vec<DeviceReading> {
            Vec::new()
        }

        fn raw(&mut self, device: u32, channel: Channel) -> Option<Result<Raw, String>> {
            self.0 += 1;
            match channel {
                Channel::Counter if self.0 > 9 => Some(Err("gpu is lost".to_owned())),
                Channel::Counter => Some(Ok(Raw::Microjoules(self.0))),
                Channel::Instant => Some(Ok(Raw::Power(Watts(f64::from(device))))),
                Channel::Average => None,
            }
        }
    }

    #[test]
    fn every_channel_that_is_there_is_read_and_failures_are_told() {
        let mut rounds = 0;
        let watched = watch(&mut Fake(0), 3, Duration::ZERO, |_| {
            rounds += 1;
            rounds <= 5
        });
        assert_eq!((watched.counter.len(), watched.instant.len(), watched.average.len()), (3, 5, 0));
        assert_eq!(watched.failed, (2, Some("gpu is lost".to_owned())));
        assert!(watched.instant.is_sorted_by_key(|read| read.at) && watched.power()[0].1 == Watts(3.0));
        assert!(RawRead::calls(&watched.counter).is_some_and(|calls| calls.n == 3));
        let first = watched.instant[0].at;
        assert_eq!(watched.between(first, first).instant.len(), 1);
    }
}
