//! Samples, quantiles and estimates: every figure with its interval and n.
//!
//! A bare `f64` lives here and nowhere else: units are the caller's. Each method names its source in its file, and its
//! coverage is shown by simulation (`tests/it/coverage.rs`). Nothing here reads records or knows what a figure means.

#![cfg_attr(test, expect(clippy::float_cmp, reason = "exact results are tested as such"))]

mod binomial;
mod bootstrap;
mod change;
mod cluster;
mod error;
mod estimate;
mod holm;
mod interval;
mod jackknife;
mod proportion;
mod quantile;
mod sample;

pub use bootstrap::{Bootstrap, BootstrapKind};
pub use change::{Change, ChangeMethod, difference, mover, ratio};
pub use cluster::{Clusters, mean_of_clusters};
pub use error::{Error, Result};
pub use estimate::{Estimate, Method};
pub use holm::holm;
pub use interval::{mean_interval, n_for_half_width};
pub use jackknife::jackknife_interval;
pub use proportion::{McNemar, mcnemar, wilson};
pub use quantile::quantile_interval;
pub use sample::Sample;
