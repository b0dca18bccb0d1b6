//! Adaptation as a whole: against `PyTorch`, against finite differences, against itself, and as a stage.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod differences;
mod equivalence;
mod folder;
mod full;
mod reference;
mod stage;
mod tiny;
