//! The project's own chores: pretraining the quickstart model, benches, generated docs, tidy.
fn main() {}
