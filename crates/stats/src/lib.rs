//! Samples, quantiles and estimates: every figure with its interval and n.

mod estimate;

pub use estimate::{Estimate, Method};
