//! Judges on the small checkpoints of `model`'s fixtures, against transformers; and one of known answers.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests; a failed step is a failed test")]

mod known;
mod rows;
mod transformers;

use std::path::{Path, PathBuf};

use model::Encoder;
use model::tensor::Device;
use nli::Judge;

/// A checkpoint that `make_encoder_fixtures.py` of `model` wrote.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../model/tests/fixtures").join(name)
}

fn load(name: &str) -> Judge<Encoder> {
    Judge::load(&fixture(name), &Device::Cpu).unwrap()
}
