//! Attention of one query position over the cache: what decoding does once a token and block.
//!
//! candle's matrix product packs all keys anew for each token. Here the cache is read where it lies, once for all the query heads that share
//! a key head. Many positions go to `ops::attention`.

use candle_core::{CpuStorage, Storage, Tensor};
use rayon::prelude::*;

use crate::{Result, matvec, ops};

/// `q [b, heads, 1, d]` over `k` and `v [b · kv_heads, s, d]`, slices of the cache, to `[b, 1, heads · d]`.
pub(super) fn one(q: &Tensor, k: &Tensor, v: &Tensor, scale: f64) -> Result<Tensor> {
    let (b, heads, _, d) = q.dims4()?;
    let (shared, s, _) = k.dims3()?;
    let q = (q.reshape((shared, b * heads / shared, d))? * scale)?;
    if let Some(scores) = by_slices(&q, k, b * heads * s, scores) {
        let weights = ops::softmax(&Tensor::from_vec(scores, (shared, b * heads / shared, s), q.device())?)?;
        if let Some(y) = by_slices(&weights, v, b * heads * d, mixture) {
            return Ok(Tensor::from_vec(y, (b, 1, heads * d), q.device())?);
        }
    }
    let y = ops::softmax(&q.matmul(&k.t()?)?)?.matmul(v)?;
    Ok(y.reshape((b, 1, heads * d))?)
}

/// Values read and multiplied by one task, at least.
const TASK: usize = 1 << 15;

/// Runs `f(left, right, width of right's rows, out)` for each key head: rows of `left [heads, g, _]` and `right [heads, s, d]`, whose heads
/// may lie apart. `None` when these are not f32 on the CPU.
fn by_slices(left: &Tensor, right: &Tensor, out: usize, f: impl Fn(&[f32], &[f32], usize, &mut [f32]) + Sync) -> Option<Vec<f32>> {
    let (heads, s, d) = right.dims3().ok()?;
    let ((left, left_layout), (right, right_layout)) = (left.storage_and_layout(), right.storage_and_layout());
    let (Storage::Cpu(CpuStorage::F32(left)), Storage::Cpu(CpuStorage::F32(right))) = (&*left, &*right) else { return None };
    let (from, to) = left_layout.contiguous_offsets()?;
    let left = &left[from..to];
    let &[apart, row, 1] = right_layout.stride() else { return None };
    if row != d {
        return None;
    }
    let mut y = vec![0.0; out];
    let (left_size, out_size) = (left.len() / heads, out / heads);
    let at_once = (TASK / (s * d)).max(1);
    y.par_chunks_mut(out_size * at_once).enumerate().for_each(|(task, y)| {
        for (i, y) in y.chunks_mut(out_size).enumerate() {
            let head = task * at_once + i;
            let start = right_layout.start_offset() + head * apart;
            f(&left[head * left_size..][..left_size], &right[start..][..s * d], d, y);
        }
    });
    Some(y)
}

/// `[g, s]`: each query with each key.
fn scores(queries: &[f32], keys: &[f32], d: usize, out: &mut [f32]) {
    let s = keys.len() / d;
    for (queries, out) in queries.chunks(d * matvec::FEW).zip(out.chunks_mut(s * matvec::FEW)) {
        matvec::into_rows(queries, keys, s, out);
    }
}

/// `[g, d]`: values weighted and summed.
fn mixture(weights: &[f32], values: &[f32], d: usize, out: &mut [f32]) {
    let s = values.len() / d;
    for (weights, out) in weights.chunks_exact(s).zip(out.chunks_exact_mut(d)) {
        for (weight, value) in weights.iter().zip(values.chunks_exact(d)) {
            for (sum, value) in out.iter_mut().zip(value) {
                *sum = weight.mul_add(*value, *sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn it_is_the_plain_formula() {
        for (b, heads, kv, s, d, capacity) in [(1, 4, 2, 7, 16, 9), (3, 6, 1, 40, 24, 64), (2, 2, 2, 1, 64, 1), (1, 14, 2, 600, 64, 640)] {
            let wave = |shape: (usize, usize, usize), step: usize| {
                let count = shape.0 * shape.1 * shape.2;
                let values = (0..count).map(|i| ((i * step % 89) as f32 - 44.0) / 40.0);
                Tensor::from_iter(values, &Device::Cpu).unwrap().reshape(shape).unwrap()
            };
            let q = wave((b, heads, d), 29).unsqueeze(2).unwrap();
            let k = wave((b * kv, capacity, d), 31).narrow(1, 0, s).unwrap();
            let v = wave((b * kv, capacity, d), 53).narrow(1, 0, s).unwrap();
            let got = one(&q, &k, &v, 0.25).unwrap();
            let split = |x: &Tensor| x.contiguous().unwrap().reshape((b, kv, s, d)).unwrap();
            let expected = ops::attention(&q, &split(&k), &split(&v), 0.25, &ops::Mask::Full).unwrap();
            let off = (got - expected).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            assert!(off.to_scalar::<f32>().unwrap() < 1e-5, "{off}");
        }
    }
}
