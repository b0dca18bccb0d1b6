//! The five metrics under the method `paper`: exactly what the authors computed (Mohammad et al., ACL 2026 Industry, arXiv 2604.19342),
//! so that their tables come out of their logs. What a user can rely on is the method [`crate::METHOD`], not this one.
//!
//! Each function takes what their logs hold. What is particular to the method is a constant here: the price of a request at the hosted
//! model is that of 500 tokens at the *input* price of GPT-4o, serving costs its energy alone, setting up costs nothing, memory is a
//! nominal size, and a cold start is taken to draw the power of serving.

mod figures;

use econ::{BreakEven, Tariff, break_even};
use plan::Precision;
use units::{Dollars, Joules, Missing, Seconds, Watts};

pub(crate) use figures::billions;
pub use figures::{METRICS, figures};

/// The name of this method.
pub const METHOD: &str = "paper";

/// Tokens of a request at the hosted model, all of them priced as input.
pub const API_TOKENS: f64 = 500.0;

/// Price of a million input tokens of GPT-4o in USD, as of the paper.
pub const API_INPUT_USD_PER_MTOK: f64 = 2.5;

/// Price of a million output tokens of GPT-4o in USD; the paper does not use it.
pub const API_OUTPUT_USD_PER_MTOK: f64 = 10.0;

/// Price of electricity, in USD per kWh.
pub const ELECTRICITY_USD_PER_KWH: f64 = 0.12;

/// What a request costs at the hosted model.
pub fn api_cost() -> Dollars {
    Dollars(API_TOKENS * API_INPUT_USD_PER_MTOK / 1e6)
}

/// What energy costs.
pub fn energy_cost(energy: Joules) -> Dollars {
    Tariff::new(ELECTRICITY_USD_PER_KWH, 1.0, None).expect("the paper's price is above 0").energy(energy)
}

/// Economic Break-Even: `N_break = C_train / (C_api − C_infer)` in requests, both costs of energy alone, no `C_setup`.
///
/// # Errors
/// Never, where a request costs as much here as there.
pub fn n_break(train: Joules, request: Joules) -> Result<f64, Missing> {
    match break_even(energy_cost(train), api_cost(), energy_cost(request)) {
        BreakEven::After { requests } => Ok(requests),
        BreakEven::Never { reason } => Err(Missing::because(reason)),
    }
}

/// Intelligence-Per-Watt: `IPW = S_task · α / E_req` with α = 1 and the score in 0..1; in 1/J.
///
/// # Errors
/// The request took no energy.
pub fn ipw(score: f64, request: Joules) -> Result<f64, Missing> {
    ratio(score, request.get(), "the energy of a request")
}

/// System Density: `ρ_sys = T_put / M` over the nominal size of the weights; in tokens/s/GB.
///
/// # Errors
/// The size is 0.
pub fn rho_sys(tokens_per_second: f64, gigabytes: f64) -> Result<f64, Missing> {
    ratio(tokens_per_second, gigabytes, "the size")
}

/// Cold-Start Tax: `C_tax = E_load / E_infer`, where `E_load` is the load's time at the power of serving; in requests.
///
/// # Errors
/// The request took no energy.
pub fn c_tax(load: Seconds, serving_power: Watts, request: Joules) -> Result<f64, Missing> {
    ratio((load * serving_power).get(), request.get(), "the energy of a request")
}

/// Quantization Fidelity: `Q_ret = S_quantised / S_FP16 · 100` of two mean scores; in percent.
///
/// # Errors
/// The score in full precision is 0.
pub fn q_ret(quantised: f64, full: f64) -> Result<f64, Missing> {
    ratio(100.0 * quantised, full, "the score in full precision")
}

/// Size of the weights by the tier's name: its parameters in units of 1e9 times 2, 1 or 0.625 bytes; in GB of 1e9 bytes.
pub fn nominal_gigabytes(billions: f64, precision: Precision) -> f64 {
    let bytes_per_parameter = match precision {
        Precision::Fp16 => 2.0,
        Precision::Int8 => 1.0,
        Precision::Int4 => 0.625,
    };
    billions * bytes_per_parameter
}

fn ratio(above: f64, below: f64, name: &str) -> Result<f64, Missing> {
    let ratio = above / below;
    if below > 0.0 && ratio.is_finite() { Ok(ratio) } else { Err(Missing::because(format!("{name} is {below}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One row of the authors' logs: LLaMA 1B, LoRA, INT4, rag.
    #[test]
    fn a_row_of_the_logs() {
        let (train, request) = (Joules(92_122.30), Joules(2.3621));
        assert!((api_cost().get() - 0.001_25).abs() < 1e-15);
        // 92,122.3 J · 0.12 / 3.6e6 = 0.003070743 USD; the authors' own file says 2.4567494156745266.
        assert!((n_break(train, request).unwrap() - 2.456_749_415_674_526_6).abs() < 1e-9);
        // 5.31 s · 66.62 W = 353.75 J.
        assert!((c_tax(Seconds(5.31), Watts(66.62), request).unwrap() - 149.762).abs() < 1e-3);
        assert!((rho_sys(4230.52, nominal_gigabytes(1.0, Precision::Int4)).unwrap() - 6768.832).abs() < 1e-6);
        assert!((ipw(0.75, request).unwrap() - 0.317_514).abs() < 1e-6);
        assert!((q_ret(0.75, 0.74).unwrap() - 101.351_351).abs() < 1e-6);
        assert!((nominal_gigabytes(7.0, Precision::Fp16) - 14.0).abs() < 1e-12);
        assert!((nominal_gigabytes(3.0, Precision::Int8) - 3.0).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_is_said() {
        assert!(n_break(Joules(1.0), Joules(1e9)).unwrap_err().0.starts_with("never"));
        assert_eq!(ipw(0.5, Joules(0.0)).unwrap_err().0, "the energy of a request is 0");
        assert!(
            q_ret(0.5, f64::NAN).is_err() && rho_sys(f64::INFINITY, 1.0).is_err() && c_tax(Seconds(1.0), Watts(1.0), Joules(-1.0)).is_err()
        );
    }
}
