//! When requests are due, as data: an arrival process is a rate over time and a law of the gaps, and gives an iterator of [`Due`].
//! The client knows only the iterator, so another process is another iterator, never another client.
//!
//! Gaps are drawn with a mean of one request and mapped onto time through the inverse of the integrated rate, so that every law goes
//! with every rate (Lewis & Shedler, "Simulation of nonhomogeneous Poisson processes by thinning", 1979, section 1: time-scale
//! transformation). The first request is due at the window's start. Nothing here looks at a clock.

mod gap;
mod profile;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use units::{Nanos, Seconds};

pub use gap::Gap;
pub use profile::Profile;

use crate::{Error, Result};

/// When the next request is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// As soon as a stream is free: the closed loop.
    WhenFree,
    /// So long after the window's start, whether or not a stream is free by then.
    After(Nanos),
}

impl Due {
    /// The instant itself, for a window that started at `start` and a stream that became free at `freed`.
    pub(crate) fn at(self, start: Nanos, freed: Nanos) -> Nanos {
        match self {
            Self::WhenFree => freed,
            Self::After(offset) => start + offset,
        }
    }
}

/// A rate of requests, in requests per second: finite and above zero.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Rate(f64);

impl Rate {
    /// Highest rate taken, in requests per second: a request every nanosecond is beyond any clock.
    pub const HIGHEST: f64 = 1e9;

    /// Checks a rate in requests per second.
    ///
    /// # Errors
    /// [`Error::Arrivals`] when it is not above zero, or beyond [`Self::HIGHEST`].
    pub fn new(per_second: f64) -> Result<Self> {
        if per_second > 0.0 && per_second <= Self::HIGHEST {
            return Ok(Self(per_second));
        }
        Err(Error::Arrivals { reason: format!("a rate of {per_second} requests a second is of no use") })
    }

    /// Requests per second.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// `requests` requests, each due the instant a stream is free.
pub fn closed_loop(requests: usize) -> impl Iterator<Item = Due> + Send {
    std::iter::repeat_n(Due::WhenFree, requests)
}

/// An open arrival process: requests are due whether or not earlier ones have been answered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Open {
    /// The rate over time.
    pub profile: Profile,
    /// The law of the gaps.
    pub gap: Gap,
}

impl Open {
    /// The due times, without end and never falling. The same seed gives the same times on every machine.
    pub fn due(self, seed: u64) -> impl Iterator<Item = Due> + Send {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut expected = 0.0;
        std::iter::from_fn(move || {
            let at = self.profile.time_of(expected);
            expected += self.gap.draw(&mut rng);
            Some(Due::After(nanos(at)))
        })
    }

    /// The due times before `window` has passed, at most `most` of them.
    pub fn due_within(self, seed: u64, window: Seconds, most: usize) -> Vec<Due> {
        let end = nanos(window);
        self.due(seed).take(most).take_while(|due| matches!(due, Due::After(offset) if *offset < end)).collect()
    }
}

/// Offsets of a recorded trace, compressed or stretched: `scale` 0.1 replays it ten times as fast. None is dropped.
pub fn replay(offsets: impl IntoIterator<Item = Nanos>, scale: f64) -> impl Iterator<Item = Due> {
    offsets.into_iter().map(move |offset| Due::After(nanos(Seconds(offset.0 as f64 / 1e9 * scale))))
}

/// Rounded to the nanosecond; beyond what fits (584 years) it stays at the end.
fn nanos(at: Seconds) -> Nanos {
    Nanos((at.get() * 1e9).round() as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stats::Sample;

    use super::*;

    fn rate(per_second: f64) -> Rate {
        Rate::new(per_second).unwrap()
    }

    fn offsets(process: Open, seed: u64, n: usize) -> Vec<f64> {
        let at = |due| match due {
            Due::After(offset) => offset.0 as f64 / 1e9,
            Due::WhenFree => unreachable!(),
        };
        process.due(seed).take(n).map(at).collect()
    }

    fn gaps(process: Open, n: usize) -> Sample {
        let at = offsets(process, 7, n + 1);
        Sample::new(at.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn the_closed_loop_is_due_when_a_stream_is_free() {
        assert!(closed_loop(3).eq([Due::WhenFree; 3]));
        assert_eq!(Due::WhenFree.at(Nanos(5), Nanos(9)), Nanos(9));
    }

    #[test]
    fn an_open_arrival_is_due_at_its_time_even_when_no_stream_is_free() {
        assert_eq!(Due::After(Nanos(2)).at(Nanos(5), Nanos(9)), Nanos(7));
    }

    #[test]
    fn a_constant_rate_is_an_even_grid_without_drift() {
        let process = Open { profile: Profile::Steady(rate(1000.0)), gap: Gap::Even };
        let due: Vec<Due> = process.due(1).take(1_000_001).collect();
        assert_eq!(due[..3], [Due::After(Nanos(0)), Due::After(Nanos(1_000_000)), Due::After(Nanos(2_000_000))]);
        assert_eq!(due[1_000_000], Due::After(Nanos(1_000_000_000_000)));
    }

    #[test]
    fn random_gaps_have_the_asked_rate_and_spread() {
        // The coefficient of variation of a gamma law is 1 / sqrt(shape); Poisson is shape 1. At 200,000 gaps the standard error of
        // the mean is cv / 447.
        for (gap, cv) in [(Gap::Exponential, 1.0), (gamma(0.25), 2.0), (gamma(1.0), 1.0), (gamma(4.0), 0.5)] {
            let seen = gaps(Open { profile: Profile::Steady(rate(50.0)), gap }, 200_000);
            assert!((seen.mean() * 50.0 - 1.0).abs() < 5.0 * cv / 447.0, "{gap:?}: mean {}", seen.mean());
            assert!((seen.cv().unwrap() / cv - 1.0).abs() < 0.03, "{gap:?}: cv {}", seen.cv().unwrap());
        }
    }

    fn gamma(burstiness: f64) -> Gap {
        Gap::gamma(burstiness).unwrap()
    }

    #[test]
    fn a_ramp_gathers_as_many_requests_as_its_rate_integrates_to() {
        // From 0 to 20 a second over 10 s: 100 requests in the ramp, then 20 a second.
        let ramp = Profile::ramp(0.0, 20.0, Seconds(10.0)).unwrap();
        let at = offsets(Open { profile: ramp, gap: Gap::Even }, 1, 201);
        assert!((at[100] - 10.0).abs() < 1e-8 && (at[200] - 15.0).abs() < 1e-8, "{} {}", at[100], at[200]);
        // Half of the ramp's time sees a quarter of its requests.
        assert!((at[25] - 5.0).abs() < 1e-8);
        // And down: from 20 to 10 over 10 s are 150.
        let down = Profile::ramp(20.0, 10.0, Seconds(10.0)).unwrap();
        assert!((offsets(Open { profile: down, gap: Gap::Even }, 1, 151)[150] - 10.0).abs() < 1e-8);
    }

    #[test]
    fn a_window_takes_what_is_due_before_its_end() {
        let process = Open { profile: Profile::Steady(rate(10.0)), gap: Gap::Even };
        assert_eq!(process.due_within(1, Seconds(1.0), 1000).len(), 10);
        assert_eq!(process.due_within(1, Seconds(1.0), 3).len(), 3);
    }

    #[test]
    fn a_replay_keeps_every_arrival_and_scales_its_time() {
        let due: Vec<Due> = replay([Nanos(0), Nanos(1000), Nanos(1000), Nanos(2500)], 0.1).collect();
        assert_eq!(due, [0, 100, 100, 250].map(|at| Due::After(Nanos(at))));
    }

    #[test]
    fn rates_of_no_use_are_refused() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 2e9] {
            assert!(Rate::new(bad).is_err() && Profile::ramp(1.0, bad, Seconds(1.0)).is_err(), "{bad}");
        }
        assert!(Profile::ramp(1.0, 2.0, Seconds(0.0)).is_err() && Gap::gamma(0.0).is_err() && Gap::gamma(f64::NAN).is_err());
    }

    fn any_process() -> impl Strategy<Value = Open> {
        let profile = prop_oneof![
            (0.01..1e5f64).prop_map(|r| Profile::Steady(rate(r))),
            (0.0..1e4f64, 0.01..1e4f64, 0.01..1e4f64).prop_map(|(from, to, over)| Profile::ramp(from, to, Seconds(over)).unwrap()),
        ];
        let gap = prop_oneof![Just(Gap::Even), Just(Gap::Exponential), (0.05..20.0f64).prop_map(gamma)];
        (profile, gap).prop_map(|(profile, gap)| Open { profile, gap })
    }

    proptest! {
        #[test]
        fn due_times_never_fall_and_repeat_with_the_seed(process in any_process(), seed: u64, n in 1..400usize) {
            let at = offsets(process, seed, n);
            prop_assert_eq!(at.len(), n);
            prop_assert!(at[0] == 0.0 && at.is_sorted() && at.iter().all(|at| at.is_finite()));
            prop_assert_eq!(&at, &offsets(process, seed, n));
        }

        #[test]
        fn a_replay_drops_nothing(mut offsets in prop::collection::vec(0..1u64 << 50, 0..200), scale in 0.001..10.0f64) {
            offsets.sort_unstable();
            let due: Vec<Due> = replay(offsets.iter().map(|at| Nanos(*at)), scale).collect();
            prop_assert_eq!(due.len(), offsets.len());
            let falls = |pair: &[Due]| matches!((pair[0], pair[1]), (Due::After(a), Due::After(b)) if a > b);
            prop_assert!(!due.windows(2).any(falls));
        }
    }
}
