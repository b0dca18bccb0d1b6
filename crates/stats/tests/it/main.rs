//! Whole-crate tests: does a 95% interval hold the truth 95 times in 100, and does a test claim no more than it may?

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly")]

mod coverage;
mod error_rates;
