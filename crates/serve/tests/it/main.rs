//! The server over real loopback sockets, with a fake model and a real (tiny) tokenizer. Nothing here sleeps long or needs weights,
//! but the last module, which is skipped when the trained model is absent.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes its snapshots so")]

mod client;
mod errors;
mod fake;
mod lifecycle;
mod scheduling;
mod server;
mod stories;
mod streaming;
mod tokenizer;
mod whole;
