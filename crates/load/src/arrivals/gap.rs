//! Laws of the gap between two arrivals, each with a mean of one. Not the rate: that is the profile's.
//!
//! Gamma by Marsaglia & Tsang, "A simple method for generating gamma variables", ACM Transactions on Mathematical Software 26 (2000);
//! normal numbers by Marsaglia & Bray's polar method (1964); exponential by inversion.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::{Error, Result};

/// The law of the gaps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gap {
    /// All alike: a constant rate.
    Even,
    /// Exponential: a Poisson process.
    Exponential,
    /// Gamma with this shape, the *burstiness* of vLLM's benchmarks: under 1 is burstier than Poisson, 1 is Poisson, above 1 is more even.
    Gamma(Shape),
}

/// The shape of a gamma law: finite and above zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Shape(f64);

impl Gap {
    /// A gamma law.
    ///
    /// # Errors
    /// [`Error::Arrivals`] when the burstiness is not in 0.001..=1,000,000.
    pub fn gamma(burstiness: f64) -> Result<Self> {
        if (1e-3..=1e6).contains(&burstiness) {
            return Ok(Self::Gamma(Shape(burstiness)));
        }
        Err(Error::Arrivals { reason: format!("a burstiness of {burstiness} is of no use; it is the shape of a gamma law") })
    }

    /// One gap, at least 0 and of mean 1.
    pub(super) fn draw(self, rng: &mut ChaCha8Rng) -> f64 {
        match self {
            Self::Even => 1.0,
            Self::Exponential => exponential(rng),
            Self::Gamma(Shape(shape)) => gamma(shape, rng) / shape,
        }
    }
}

fn exponential(rng: &mut ChaCha8Rng) -> f64 {
    -(1.0 - rng.random::<f64>()).ln()
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    loop {
        let (u, v) = (rng.random_range(-1.0..1.0f64), rng.random_range(-1.0..1.0f64));
        let s = u * u + v * v;
        if s > 0.0 && s < 1.0 {
            return u * (-2.0 * s.ln() / s).sqrt();
        }
    }
}

/// Gamma of scale 1. Below shape 1 it is that of shape + 1 times a power of a uniform number (section 6 of the paper).
fn gamma(shape: f64, rng: &mut ChaCha8Rng) -> f64 {
    if shape < 1.0 {
        let boost = (1.0 - rng.random::<f64>()).powf(1.0 / shape);
        return gamma(shape + 1.0, rng) * boost;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(rng);
        let v = (1.0 + c * x).powi(3);
        if v <= 0.0 {
            continue;
        }
        let u = 1.0 - rng.random::<f64>();
        if u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}
