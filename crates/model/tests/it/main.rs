//! Whole models: against other implementations, against themselves, and against files that lie.

mod stories;
mod support;
