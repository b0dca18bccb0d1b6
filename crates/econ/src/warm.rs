//! Scale to zero: a server that is stopped when nobody asks, against one that is kept with its model in memory.
//!
//! A cold start costs its energy and the machine's time until the first token. A warm server costs its idle power, and the machine's
//! time, whether or not it is asked. Both by the same tariff. The model is of requests so far apart that each would find the server
//! stopped: `traffic · cold start` against `idle hour`. Requests that come in bursts share a cold start, which favours stopping further.

use serde::{Deserialize, Serialize};
use units::{Dollars, Joules, Seconds, Watts};

use crate::{
    BreakEven, Tariff,
    error::{Result, checked},
};

/// What was observed of a server's cold start and of its idling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColdStart {
    /// Energy from spawning to the first token.
    pub energy: Joules,
    /// Time of the same.
    pub time: Seconds,
    /// Power with the model in memory and nothing asked.
    pub idle: Watts,
}

/// What stopping and keeping cost, and where they cost the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScaleToZero {
    /// A cold start.
    pub cold_start: Dollars,
    /// An hour of keeping the server warm.
    pub warm_hour: Dollars,
    /// How many requests a cold start must serve before they have cost less than at the hosted model.
    pub requests_a_cold_start: BreakEven,
    /// The traffic, in requests an hour, below which keeping the server warm costs more than a cold start for each request. Zero where an
    /// idle hour costs nothing; `None` where a cold start costs nothing, so that keeping never pays.
    pub keep_warm_from_per_hour: Option<f64>,
}

/// Compares stopping with keeping, for a request's cost here and at the hosted model.
///
/// # Errors
/// An energy, time or power below zero or not finite.
pub fn scale_to_zero(tariff: &Tariff, observed: &ColdStart, infer: Dollars, api: Dollars) -> Result<ScaleToZero> {
    let not_negative = |what, value| checked(what, value, "0 or more", |x| x >= 0.0);
    not_negative("the energy of a cold start in J", observed.energy.get())?;
    not_negative("the time of a cold start in s", observed.time.get())?;
    not_negative("the idle power in W", observed.idle.get())?;
    let hour = Seconds(3600.0);
    let cold_start = tariff.work(observed.energy, observed.time);
    let warm_hour = tariff.work(observed.idle * hour, hour);
    let from = warm_hour / cold_start;
    Ok(ScaleToZero {
        cold_start,
        warm_hour,
        requests_a_cold_start: crate::break_even(cold_start, api, infer),
        keep_warm_from_per_hour: if cold_start.get() > 0.0 { Some(from) } else { None },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn by_hand() {
        // 0.36 USD/kWh is 1e-7 USD/J; 3.60 USD/h is 0.001 USD/s. Cold: 2e4 J + 30 s = 0.002 + 0.03. Idle: 100 W · 3600 s = 0.036, + 3.60.
        let tariff = Tariff::new(0.36, 1.0, Some(3.6)).unwrap();
        let observed = ColdStart { energy: Joules(2e4), time: Seconds(30.0), idle: Watts(100.0) };
        let zero = scale_to_zero(&tariff, &observed, Dollars(0.0002), Dollars(0.001)).unwrap();
        assert!((zero.cold_start.get() - 0.032).abs() < 1e-12 && (zero.warm_hour.get() - 3.636).abs() < 1e-12);
        let BreakEven::After { requests } = zero.requests_a_cold_start else { panic!("pays") };
        assert!((requests - 40.0).abs() < 1e-9);
        assert!((zero.keep_warm_from_per_hour.unwrap() - 113.625).abs() < 1e-9);
    }

    #[test]
    fn what_costs_nothing() {
        let free = Tariff::new(0.0, 1.0, None).unwrap();
        let observed = ColdStart { energy: Joules(1.0), time: Seconds(1.0), idle: Watts(1.0) };
        assert_eq!(scale_to_zero(&free, &observed, Dollars(0.0), Dollars(1.0)).unwrap().keep_warm_from_per_hour, None);
        let tariff = Tariff::new(0.36, 1.0, None).unwrap();
        let still = ColdStart { idle: Watts(0.0), ..observed };
        assert_eq!(scale_to_zero(&tariff, &still, Dollars(0.0), Dollars(1.0)).unwrap().keep_warm_from_per_hour, Some(0.0));
        let dear = scale_to_zero(&tariff, &observed, Dollars(2.0), Dollars(1.0)).unwrap();
        assert!(matches!(dear.requests_a_cold_start, BreakEven::Never { .. }));
        assert!(scale_to_zero(&tariff, &ColdStart { idle: Watts(-1.0), ..observed }, Dollars(0.0), Dollars(1.0)).is_err());
        assert!(scale_to_zero(&tariff, &ColdStart { energy: Joules(f64::NAN), ..observed }, Dollars(0.0), Dollars(1.0)).is_err());
    }

    proptest! {
        #[test]
        fn both_cost_the_same_there(energy in 1.0..1e6f64, time in 0.1..1e3f64, idle in 0.1..1e3f64, rate in 0.0..10.0f64) {
            let tariff = Tariff::new(0.12, 1.2, Some(rate)).unwrap();
            let observed = ColdStart { energy: Joules(energy), time: Seconds(time), idle: Watts(idle) };
            let zero = scale_to_zero(&tariff, &observed, Dollars(0.0), Dollars(1.0)).unwrap();
            let traffic = zero.keep_warm_from_per_hour.unwrap();
            prop_assert!((traffic * zero.cold_start.get() - zero.warm_hour.get()).abs() < 1e-9 * zero.warm_hour.get());
        }
    }
}
