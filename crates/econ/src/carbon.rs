//! Greenhouse gas of the energy used: `E / 3.6 MJ · PUE · grid intensity`. Operation only; the making of the machine is not in it.

use units::{GramsCo2e, Joules};

use crate::error::{Result, checked};

/// Grams of CO2 equivalent for an energy, at the facility's PUE and the grid's gCO2e per kWh.
///
/// # Errors
/// A negative intensity, or a PUE below 1.
pub fn carbon(energy: Joules, pue: f64, grid_gco2e_per_kwh: f64) -> Result<GramsCo2e> {
    let pue = checked("the PUE", pue, "1 or more", |x| x >= 1.0)?;
    let grid = checked("the grid's intensity in gCO2e per kWh", grid_gco2e_per_kwh, "0 or more", |x| x >= 0.0)?;
    Ok(GramsCo2e(energy.kilowatt_hours() * pue * grid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_kilowatt_hours() {
        assert!((carbon(Joules(7.2e6), 1.1, 400.0).unwrap().get() - 880.0).abs() < 1e-9);
        assert!(carbon(Joules(1.0), 0.5, 400.0).is_err() && carbon(Joules(1.0), 1.0, -1.0).is_err());
    }
}
