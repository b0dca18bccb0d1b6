//! Every figure from hand-made records, with its result worked out in the comments.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests may fail loudly")]

mod absent;
mod advise;
mod client;
mod compare;
mod economics;
mod efficiency;
mod engine;
mod figures;
mod goodput;
mod join;
mod levels;
mod likelihood;
mod paper;
mod projection;
mod records;
mod statements;
