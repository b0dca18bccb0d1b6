//! Tidy: what must stay true of the whole repository, held by tests. Behaviour is tested in the crates; this reads files only.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the repository has failed")]

mod graph;
mod quickstart;
mod registries;
mod repository;
mod sources;
