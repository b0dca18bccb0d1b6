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
