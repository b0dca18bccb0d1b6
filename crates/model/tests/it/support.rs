//! What the tests share: paths, options, comparisons.

use std::path::{Path, PathBuf};

use model::tensor::{Device, Tensor};
use model::{Base, Compute, Decoder, LoadOptions};

/// `../shared/data/<name>` beside the workspace, or a word that it is absent.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !data.is_dir() {
        eprintln!("skipped: ../shared/data is absent");
        return None;
    }
    Some(data.join(name))
}

pub(crate) fn options(compute: Compute, base: Base) -> LoadOptions {
    LoadOptions { device: Device::Cpu, compute, base }
}

pub(crate) fn load(path: &Path) -> Decoder {
    Decoder::load(path, &options(Compute::F32, Base::AsStored)).unwrap()
}

pub(crate) fn ids(ids: &[u32]) -> Tensor {
    Tensor::new(ids, &Device::Cpu).unwrap().unsqueeze(0).unwrap()
}

/// `n` greedy tokens after `prompt`.
pub(crate) fn greedy(decoder: &Decoder, prompt: &[u32], n: usize) -> Vec<u32> {
    let mut cache = decoder.new_cache(1, prompt.len() + n).unwrap();
    let mut logits = decoder.forward(&ids(prompt), &mut cache).unwrap();
    let mut out = Vec::new();
    for _ in 0..n {
        let next = model::sampling::argmax(&logits.flatten_all().unwrap().to_vec1::<f32>().unwrap()).unwrap();
        out.push(next);
        logits = decoder.forward(&ids(&[next]), &mut cache).unwrap();
    }
    out
}

/// The checkpoints of `make_fixtures.py`.
pub(crate) const FIXTURES: [&str; 4] = ["llama3-untied-f32", "llama-tied-bf16", "qwen2-sharded-f32", "qwen2-tied-f16"];

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The ids that a fixture's expected logits are of.
pub(crate) fn fixture_ids(name: &str) -> Vec<u32> {
    #[derive(serde::Deserialize)]
    struct Expected {
        ids: Vec<u32>,
    }
    let text = std::fs::read_to_string(fixture(name).join("expected.json")).unwrap();
    serde_json::from_str::<Expected>(&text).unwrap().ids
}

/// Logits of every position, `[t, vocab]`, through the path that training takes.
pub(crate) fn all_logits(decoder: &Decoder, prompt: &[u32]) -> Tensor {
    let positions = decoder.positions(prompt.len()).unwrap();
    let mut x = decoder.embed(&ids(prompt)).unwrap();
    for i in 0..decoder.blocks() {
        x = decoder.block(i, &x, &positions).unwrap();
    }
    decoder.logits(&x).unwrap().squeeze(0).unwrap()
}

/// The largest difference, as a share of the largest expected magnitude.
pub(crate) fn difference(got: &Tensor, expected: &Tensor) -> f32 {
    assert_eq!(got.dims(), expected.dims());
    let largest = |t: Tensor| t.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
    largest((got - expected).unwrap()) / largest(expected.clone())
}

pub(crate) fn assert_close(got: &Tensor, expected: &Tensor, tolerance: f32, what: &str) {
    let difference = difference(got, expected);
    assert!(difference <= tolerance, "{what}: {difference:e} is more than {tolerance:e}");
}
