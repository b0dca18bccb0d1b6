//! What things cost: energy and machine time, hosted models, a request served in-house, break-even, carbon.
//!
//! Pure arithmetic on quantities with units. It reads no records and holds no prices: those are the plan's, with source and date.

mod api;
mod break_even;
mod carbon;
mod error;
mod serving;
mod tariff;

pub use api::ApiPrice;
pub use break_even::{BreakEven, break_even};
pub use carbon::carbon;
pub use error::{Error, Result};
pub use serving::{reservation_cost, usage_cost};
pub use tariff::Tariff;
