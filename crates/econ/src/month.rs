//! A month at a given traffic: money, energy and greenhouse gas; and the rates that follow from a price or a cost.

use units::{Dollars, GramsCo2e};

use crate::{
    Costs, Range, carbon,
    error::{Error, Result, checked},
};

/// Hours of a mean month: 365.25 · 24 / 12.
pub const HOURS_A_MONTH: f64 = 730.5;

/// What a month costs and emits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Month {
    /// Its requests.
    pub requests: f64,
    /// At the hosted model, in USD.
    pub api_usd: Range,
    /// Here, in USD; the making of the model is not in it.
    pub own_usd: Range,
    /// Energy here, facility included, in kWh.
    pub energy_kwh: Range,
    /// Greenhouse gas of that energy, in gCO2e, where the grid is known.
    pub carbon_g: Option<Range>,
}

impl Month {
    /// Greenhouse gas at its value, where the grid is known.
    pub fn carbon(&self) -> Option<GramsCo2e> {
        self.carbon_g.map(|range| GramsCo2e(range.value()))
    }
}

/// Where the machine stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Site {
    /// Facility overhead, at least 1.
    pub pue: f64,
    /// gCO2e per kWh, where it is known.
    pub grid_g_per_kwh: Option<f64>,
}

/// A month of requests at the costs of one (`api` and `infer`) and its energy in J.
///
/// # Errors
/// Requests, energy, PUE or intensity outside their range.
pub fn month(requests: f64, api: Range, infer: Range, energy_j: Range, site: &Site) -> Result<Month> {
    let requests = checked("the requests a month", requests, "above 0", |x| x > 0.0)?;
    checked("the energy of a request in J", energy_j.low(), "0 or more", |x| x >= 0.0)?;
    let pue = checked("the PUE", site.pue, "1 or more", |x| x >= 1.0)?;
    Costs::new(Range::exact(0.0).expect("zero is finite"), api, infer)?;
    let times = |each: Range, factor: f64| {
        each.map(|x| x * factor).ok_or(Error::OutOfRange {
            what: "the requests a month",
            value: requests,
            expected: "so few that sums stay finite",
        })
    };
    let carbon_g = match site.grid_g_per_kwh {
        None => None,
        Some(grid) => Some(times(energy_j, requests * carbon(units::Joules(1.0), pue, grid)?.get())?),
    };
    Ok(Month {
        requests,
        api_usd: times(api, requests)?,
        own_usd: times(infer, requests)?,
        energy_kwh: times(energy_j, requests * pue / 3.6e6)?,
        carbon_g,
    })
}

/// USD per million tokens, for what so many tokens cost.
///
/// # Errors
/// A cost below zero, or tokens not above it.
pub fn usd_per_mtok(cost: Dollars, tokens: f64) -> Result<Dollars> {
    let cost = checked("the cost of the tokens in USD", cost.get(), "0 or more", |x| x >= 0.0)?;
    let tokens = checked("the number of tokens", tokens, "above 0", |x| x > 0.0)?;
    Ok(Dollars(cost / tokens * 1e6))
}

/// Machines that a month's traffic needs when each sustains so many requests an hour and is to be used to a share, at least 1.
///
/// # Errors
/// A traffic or rate not above zero, or a utilisation outside its range.
pub fn machines(requests_a_month: f64, requests_per_hour: f64, utilisation: f64) -> Result<u64> {
    let traffic = checked("the requests a month", requests_a_month, "above 0", |x| x > 0.0)?;
    let rate = checked("the sustained rate in requests an hour", requests_per_hour, "above 0", |x| x > 0.0)?;
    let share = checked("the utilisation", utilisation, "above 0 and at most 1", |x| x > 0.0 && x <= 1.0)?;
    let needed = traffic / (HOURS_A_MONTH * rate * share);
    checked("the number of machines", needed, "below a million", |x| x < 1e6).map(|needed| (needed.ceil() as u64).max(1))
}

/// USD an hour of a machine that one buys: its price in a straight line over its life (years of 8,766 hours), running or not.
///
/// # Errors
/// A price below zero or a life not above it.
pub fn owned_rate(price: Dollars, life_years: f64) -> Result<Dollars> {
    let price = checked("the machine's price in USD", price.get(), "0 or more", |x| x >= 0.0)?;
    let life = checked("the machine's life in years", life_years, "above 0", |x| x > 0.0)?;
    Ok(Dollars(price / (life * 12.0 * HOURS_A_MONTH)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(value: f64) -> Range {
        Range::exact(value).unwrap()
    }

    #[test]
    fn a_month_by_hand() {
        // 200,000 requests of 0.001 there and 0.0002 (0.0001 to 0.0004) here; 360 J each is 20 kWh, 24 at PUE 1.2; at 380 g: 9,120 g.
        let site = Site { pue: 1.2, grid_g_per_kwh: Some(380.0) };
        let month = month(2e5, exact(0.001), Range::new(0.0002, 0.0001, 0.0004).unwrap(), exact(360.0), &site).unwrap();
        assert!((month.api_usd.value() - 200.0).abs() < 1e-9 && (month.own_usd.value() - 40.0).abs() < 1e-9);
        assert!((month.own_usd.low() - 20.0).abs() < 1e-9 && (month.own_usd.high() - 80.0).abs() < 1e-9);
        assert!((month.energy_kwh.value() - 24.0).abs() < 1e-9 && (month.carbon().unwrap().get() - 9120.0).abs() < 1e-6);
    }

    #[test]
    fn an_unknown_grid_has_no_carbon_and_impossible_figures_are_refused() {
        let site = Site { pue: 1.0, grid_g_per_kwh: None };
        assert_eq!(month(1.0, exact(1.0), exact(1.0), exact(1.0), &site).unwrap().carbon_g, None);
        assert!(month(0.0, exact(1.0), exact(1.0), exact(1.0), &site).is_err());
        assert!(month(1.0, exact(0.0), exact(1.0), exact(1.0), &site).is_err());
        assert!(month(1.0, exact(1.0), exact(1.0), exact(-1.0), &site).is_err());
        assert!(month(1.0, exact(1.0), exact(1.0), exact(1.0), &Site { pue: 0.5, ..site }).is_err());
        assert!(month(1.0, exact(1.0), exact(1.0), exact(1.0), &Site { grid_g_per_kwh: Some(-1.0), ..site }).is_err());
    }

    #[test]
    fn rates_by_hand() {
        assert!((usd_per_mtok(Dollars(0.002), 500.0).unwrap().get() - 4.0).abs() < 1e-12);
        assert!(usd_per_mtok(Dollars(1.0), 0.0).is_err() && usd_per_mtok(Dollars(-1.0), 1.0).is_err());
        // 730.5 h · 100 an hour · 0.5 = 36,525 a machine.
        assert_eq!(machines(36_525.0, 100.0, 0.5).unwrap(), 1);
        assert_eq!(machines(36_526.0, 100.0, 0.5).unwrap(), 2);
        assert!(machines(1e30, 1.0, 1.0).is_err() && machines(1.0, 0.0, 1.0).is_err() && machines(1.0, 1.0, 0.0).is_err());
        // 8,766 USD over a year.
        assert!((owned_rate(Dollars(8766.0), 1.0).unwrap().get() - 1.0).abs() < 1e-12);
        assert!(owned_rate(Dollars(1.0), 0.0).is_err());
    }

    proptest! {
        #[test]
        fn machines_suffice_and_one_fewer_does_not(traffic in 1.0..1e7f64, rate in 1.0..1e4f64, share in 0.01..1.0f64) {
            let n = machines(traffic, rate, share).unwrap() as f64;
            let capacity = HOURS_A_MONTH * rate * share;
            prop_assert!(n * capacity >= traffic * (1.0 - 1e-9));
            prop_assert!(n < 1.5 || (n - 1.0) * capacity < traffic * (1.0 + 1e-9));
        }
    }
}
