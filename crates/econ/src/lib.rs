//! What things cost: energy and machine time, hosted models, a request served in-house, break-even, carbon.
//!
//! Pure arithmetic on quantities with units, and the price book that the program carries. It reads no records, no files and no clock.

#![cfg_attr(test, expect(clippy::float_cmp, reason = "figures of files are tested as they stand there"))]

mod api;
mod book;
mod break_even;
mod carbon;
mod curve;
mod date;
mod error;
mod month;
mod range;
mod sensitivity;
mod serving;
mod tariff;
mod warm;

pub use api::ApiPrice;
pub use book::{
    Board, Cited, Electricity, ElectricityKind, GpuOffer, Grid, LARGEST_BOOK, LiteLlm, ModelPrice, OfferKind, PriceBook, Pue, Rejected,
};
pub use break_even::{BreakEven, break_even};
pub use carbon::carbon;
pub use curve::{BreakEvenRange, Costs, CurvePoint, Reserved, ReservedMonth, UtilisationPoint};
pub use date::Date;
pub use error::{Error, Result};
pub use month::{HOURS_A_MONTH, Month, Site, machines, month, owned_rate, usd_per_mtok};
pub use range::Range;
pub use sensitivity::{Input, Inputs, Swing};
pub use serving::{reservation_cost, usage_cost};
pub use tariff::Tariff;
pub use warm::{ColdStart, ScaleToZero, scale_to_zero};
