//! Small random weights beside the same moved a little, against transformers; and what cannot be compared.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests; a failed step is a failed test")]

mod refused;
mod transformers;

use std::path::{Path, PathBuf};

use model::tensor::Device;
use model::{Base, Compute, Decoder, LoadOptions};
use perplexity::{Evaluator, Full, Result, Weights};
use text::{ChatTemplate, Tokenizer};

/// A checkpoint that `make_fixtures.py` wrote.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn decoder(folder: &Path) -> Decoder {
    Decoder::load(folder, &LoadOptions { device: Device::Cpu, compute: Compute::Auto, base: Base::AsStored }).unwrap()
}

fn weights(folder: &Path) -> Weights {
    let template = ChatTemplate::from_folder(folder).unwrap().unwrap();
    Weights { decoder: decoder(folder), tokenizer: Tokenizer::from_folder(folder).unwrap(), template }
}

/// One folder's weights beside another's.
fn evaluator(own: &Path, full: Option<&Path>) -> Result<Evaluator> {
    Evaluator::new(weights(own), full.map(|full| Full { decoder: decoder(full), tokenizer: Tokenizer::from_folder(full).unwrap() }))
}
