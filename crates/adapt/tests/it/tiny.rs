//! A tiny random model with adapters, and what the tests do to it.

use adapt::{
    corpus::{Batch, Example},
    lora::{self, Adapter, Config},
    train::Gradients,
};
use model::{
    Base, Compute, Decoder, LoadOptions, bench_shapes,
    tensor::{DType, Device, Tensor, Var},
};

/// LLaMA, 2 blocks of width 64 (one NF4 block wide), 4 query and 2 key heads.
pub(crate) fn config() -> model::Config {
    model::Config { hidden: 64, intermediate: 96, layers: 2, heads: 4, kv_heads: 2, head_dim: 16, vocab: 61, ..bench_shapes::small() }
}

pub(crate) fn options(base: Base) -> LoadOptions {
    LoadOptions { device: Device::Cpu, compute: Compute::F32, base }
}

pub(crate) fn targets() -> Vec<String> {
    plan::TARGET_MODULES.iter().map(|&t| t.to_owned()).collect()
}

pub(crate) fn lora(dropout: f64) -> Config {
    Config { rank: 3, alpha: 6.0, dropout, targets: targets() }
}

/// A model with adapters on every projection, whose B is not zero (so that A has a gradient).
pub(crate) fn adapted(base: Base, dropout: f64) -> (Decoder, Adapter) {
    let mut model = Decoder::random(&config(), 5, &options(base)).unwrap();
    let adapter = lora::attach(&mut model, &lora(dropout), 9).unwrap();
    for (i, module) in adapter.modules.iter().enumerate() {
        let (n, r) = module.b.dims2().unwrap();
        let values = (0..n * r).map(|j| (((i * 7919 + j * 104_729) % 1009) as f32 / 504.5 - 1.0) * 0.1);
        module.b.set(&Tensor::from_iter(values, &Device::Cpu).unwrap().reshape((n, r)).unwrap()).unwrap();
    }
    (model, adapter)
}

/// Sequences of the given lengths in ids, with loss on every second half.
pub(crate) fn examples(lengths: &[usize]) -> Vec<Example> {
    let example = |(i, &n): (usize, &usize)| Example {
        ids: (0..n).map(|j| ((i * 31 + j * 17 + 5) % 61) as u32).collect(),
        weights: (0..n).map(|j| if j >= n / 2 { 1.0 } else { 0.0 }).collect(),
    };
    lengths.iter().enumerate().map(example).collect()
}

/// One sequence a row.
pub(crate) fn unpacked(examples: &[Example]) -> Batch {
    Batch::new(&examples.iter().map(|e| vec![e]).collect::<Vec<_>>())
}

/// Loss and gradients of batches that make one step.
pub(crate) fn gradients(model: &Decoder, variables: &[(String, Var)], batches: &[Batch], checkpointing: bool) -> (f64, Vec<Vec<f32>>) {
    let total: f64 = batches.iter().map(Batch::weight).sum();
    let mut gradients = Gradients::new(model, variables, checkpointing);
    let loss = batches.iter().map(|b| b.weight() / total * gradients.add(b, b.weight() / total).unwrap()).sum();
    (loss, gradients.finish().unwrap().into_iter().map(|g| flat(&g.unwrap())).collect())
}

pub(crate) fn flat(tensor: &Tensor) -> Vec<f32> {
    tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Compares within `tolerance` of the largest expected value.
pub(crate) fn assert_close(name: &str, got: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(got.len(), expected.len(), "{name}");
    let scale = expected.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!((g - e).abs() <= tolerance * scale, "{name}[{i}]: got {g}, expected {e} within {tolerance} of {scale}");
    }
}
