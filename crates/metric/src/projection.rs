//! Projection: what a variant that was measured on one device would do on another that nobody measured it on, by a roofline model.
//!
//! Nothing here is a measurement, and whoever prints it says `projected`. The model is that of Williams, Waterman and Patterson
//! ("Roofline: an insightful visual performance model for multicore architectures", CACM 52(4), 2009): a step takes at least the time of
//! its bytes at the memory's bandwidth and that of its arithmetic at the peak rate. Decode reads the weights and the KV cache once a step;
//! prefill computes two operations a parameter and token. What the record took beyond its own roofline is carried to the other device in
//! the two ways that bound it ([`Span`]). How far the model is off is known from rows of the same model on different devices ([`check()`]),
//! and that error is the band of every projection. `docs/projection.md` states every formula.
//!
//! A device's facts come from a table with a source for each ([`Devices`]); one that no source gives is missing, and so is what rests on it.

mod cell;
mod check;
mod device;
mod error;
mod measured;
mod model;
mod roofline;

pub use cell::{Recorded, recorded};
pub use check::{Band, Errors, Held, Pair, check};
pub use device::{Device, Devices, Fact, LARGEST_TABLE, Machine};
pub use error::Error;
pub use measured::{Row, measured};
pub use model::{Fit, Projected, Quantity, Seen, Span, project};
pub use roofline::Work;
