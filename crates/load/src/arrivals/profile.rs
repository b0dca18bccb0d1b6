//! The rate of requests over time, and the time at which so many are expected: the inverse of the integrated rate.

use serde::Serialize;
use units::Seconds;

use super::Rate;
use crate::{Error, Result};

/// The rate over time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// The same all the time.
    Steady(Rate),
    /// Linear from one rate to another, which then stays.
    Ramp(Ramp),
}

/// A rate that changes linearly; made by [`Profile::ramp`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ramp {
    /// Requests per second at the start; may be zero.
    from: f64,
    /// Requests per second at the end, and from then on.
    to: Rate,
    /// How long the change takes, above zero.
    over_s: Seconds,
}

impl Profile {
    /// From `from` (which may be zero) to `to` requests per second over a time.
    ///
    /// # Errors
    /// [`Error::Arrivals`] when a rate or the time is of no use.
    pub fn ramp(from: f64, to: f64, over: Seconds) -> Result<Self> {
        let to = Rate::new(to)?;
        if from != 0.0 {
            Rate::new(from)?;
        }
        if !(over > Seconds(0.0) && over.get().is_finite()) {
            return Err(Error::Arrivals { reason: format!("a ramp over {over} is of no use") });
        }
        Ok(Self::Ramp(Ramp { from, to, over_s: over }))
    }

    /// When so many requests are expected.
    pub(super) fn time_of(self, expected: f64) -> Seconds {
        match self {
            Self::Steady(rate) => Seconds(expected / rate.get()),
            Self::Ramp(ramp) => Seconds(ramp.time_of(expected)),
        }
    }
}

impl Ramp {
    fn time_of(self, expected: f64) -> f64 {
        let (from, to, over) = (self.from, self.to.get(), self.over_s.get());
        let within = from.midpoint(to) * over;
        if expected >= within {
            return over + (expected - within) / to;
        }
        // from t + slope t²/2 = expected, solved without taking near numbers from each other.
        let slope = (to - from) / over;
        let root = (from * from + 2.0 * slope * expected).max(0.0).sqrt();
        let sum = from + root;
        if sum > 0.0 { (2.0 * expected / sum).min(over) } else { 0.0 }
    }
}
