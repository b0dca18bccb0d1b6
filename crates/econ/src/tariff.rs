//! What running a machine costs: energy at the meter's price and the facility's overhead, and the machine's time.
//!
//! `C = E / 3.6 MJ · price per kWh · PUE + t / 3600 s · rate per hour`. PUE (power usage effectiveness, ISO/IEC 30134-2) is what
//! the facility draws over what the machines draw, at least 1.

use units::{Dollars, Joules, Seconds};

use crate::error::{Result, checked};

/// Prices of energy and of machine time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tariff {
    usd_per_kwh: f64,
    pue: f64,
    usd_per_hour: Option<f64>,
}

impl Tariff {
    /// Electricity in USD per kWh, PUE, and the machine's rate in USD an hour; without a rate its time is not counted.
    ///
    /// # Errors
    /// A negative price, or a PUE below 1.
    pub fn new(usd_per_kwh: f64, pue: f64, usd_per_hour: Option<f64>) -> Result<Self> {
        let usd_per_hour =
            usd_per_hour.map(|rate| checked("the machine's rate in USD an hour", rate, "0 or more", |x| x >= 0.0)).transpose()?;
        Ok(Self {
            usd_per_kwh: checked("the electricity price in USD per kWh", usd_per_kwh, "0 or more", |x| x >= 0.0)?,
            pue: checked("the PUE", pue, "1 or more", |x| x >= 1.0)?,
            usd_per_hour,
        })
    }

    /// Whether the machine's time has a price. Where it has none, a cost is that of energy alone, which flatters self-hosting.
    pub fn counts_machine_time(&self) -> bool {
        self.usd_per_hour.is_some()
    }

    /// The machine's rate in USD an hour, where it has one.
    pub fn usd_per_hour(&self) -> Option<f64> {
        self.usd_per_hour
    }

    /// Money for energy, facility overhead included.
    pub fn energy(&self, energy: Joules) -> Dollars {
        Dollars(energy.kilowatt_hours() * self.usd_per_kwh * self.pue)
    }

    /// Money for work done: its energy, and the machine's time where that has a price.
    pub fn work(&self, energy: Joules, time: Seconds) -> Dollars {
        let energy = self.energy(energy);
        self.usd_per_hour.map_or(energy, |rate| energy + Dollars(time.get() / 3600.0 * rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kilowatt_hour_and_an_hour() {
        // 1 kWh · 0.12 · 1.5 = 0.18; an hour at 2 USD.
        let tariff = Tariff::new(0.12, 1.5, Some(2.0)).unwrap();
        assert!((tariff.work(Joules(3.6e6), Seconds(3600.0)).get() - 2.18).abs() < 1e-12);
        let energy_alone = Tariff::new(0.12, 1.5, None).unwrap();
        assert!((energy_alone.work(Joules(3.6e6), Seconds(3600.0)).get() - 0.18).abs() < 1e-12);
        assert!(tariff.counts_machine_time() && !energy_alone.counts_machine_time());
    }

    #[test]
    fn impossible_prices_are_refused() {
        assert!(Tariff::new(-0.1, 1.0, None).is_err());
        assert!(Tariff::new(0.1, 0.9, None).is_err());
        assert!(Tariff::new(f64::NAN, 1.0, None).is_err());
        let error = Tariff::new(0.1, 1.0, Some(-2.0)).unwrap_err();
        assert_eq!(error.to_string(), "the machine's rate in USD an hour is -2, but should be 0 or more");
        assert!(error.hint().is_some());
    }
}
