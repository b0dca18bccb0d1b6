//! Quantities as newtypes: only lawful arithmetic compiles (watts times seconds are joules; joules plus dollars are not).
//!
//! A bare `f64` lives inside `stats` only. A value that could not be observed is a [`Reading::Missing`] with its reason:
//! missing is never zero.

mod quantity;
mod reading;

pub use quantity::{Bytes, Dollars, GramsCo2e, Joules, Nanos, Seconds, Tokens, Watts};
pub use reading::{Missing, Reading};
