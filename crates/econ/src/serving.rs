//! What one request costs on one's own machine, in two forms.
//!
//! Usage-based: the energy and machine time that the request itself took; as if the machine cost nothing between requests.
//! Reservation-based: the machine is paid by the hour, and its hour is shared by the requests it really serves, a share
//! `u` of what it could: `rate / (sustained requests per hour · u)`. The rate is taken to include energy.

use units::{Dollars, Joules, Seconds};

use crate::{
    Tariff,
    error::{Result, checked},
};

/// Usage-based cost of a request.
pub fn usage_cost(tariff: &Tariff, energy: Joules, machine_time: Seconds) -> Dollars {
    tariff.work(energy, machine_time)
}

/// Reservation-based cost of a request: USD an hour, the requests an hour that the machine sustains, and the share of them
/// that really come, above 0 and at most 1.
///
/// # Errors
/// A rate below zero, no request an hour, or a utilisation outside its range.
pub fn reservation_cost(usd_per_hour: f64, requests_per_hour: f64, utilisation: f64) -> Result<Dollars> {
    let rate = checked("the machine's rate in USD an hour", usd_per_hour, "0 or more", |x| x >= 0.0)?;
    let requests = checked("the sustained rate in requests an hour", requests_per_hour, "above 0", |x| x > 0.0)?;
    let utilisation = checked("the utilisation", utilisation, "above 0 and at most 1", |x| x > 0.0 && x <= 1.0)?;
    Ok(Dollars(rate / (requests * utilisation)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_hour_shared_by_its_requests() {
        // 3.60 USD over 1,000 requests at half load: 0.0072.
        assert!((reservation_cost(3.6, 1000.0, 0.5).unwrap().get() - 0.0072).abs() < 1e-15);
        for (rate, requests, utilisation) in [(-1.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0), (1.0, 1.0, 1.1), (1.0, 1.0, f64::NAN)] {
            assert!(reservation_cost(rate, requests, utilisation).is_err());
        }
    }

    proptest! {
        #[test]
        fn idle_machines_make_requests_dear(rate in 0.1..10.0f64, requests in 1.0..1e5f64, low in 0.01..1.0f64, high in 0.01..1.0f64) {
            let at = |u| reservation_cost(rate, requests, u).unwrap().get();
            prop_assert!(at(low.min(high)) >= at(low.max(high)));
        }

        #[test]
        fn usage_is_additive(a in 0.0..1e6f64, b in 0.0..1e6f64, t in 0.0..1e4f64) {
            let tariff = Tariff::new(0.3, 1.2, Some(1.5)).unwrap();
            let whole = usage_cost(&tariff, Joules(a + b), Seconds(2.0 * t)).get();
            let parts = usage_cost(&tariff, Joules(a), Seconds(t)).get() + usage_cost(&tariff, Joules(b), Seconds(t)).get();
            prop_assert!((whole - parts).abs() <= 1e-9 * whole.max(1.0));
        }
    }
}
