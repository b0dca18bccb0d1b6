//! The run folder as a campaign and a report use it.

#![expect(clippy::unwrap_used, reason = "a test ends where something is wrong")]

mod columns;
mod folder;
mod sample;
