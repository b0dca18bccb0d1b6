//! The client against a server of known truth, over real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calibrate;
mod client;
mod fake;
mod mock;
mod pitfalls;
