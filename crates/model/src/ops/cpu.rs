//! What the CPU kernels share: views of f32 tensors, rows in parallel, sums in lanes and an `exp` the compiler can vectorise.
//!
//! The kernels are plain loops over slices: the compiler turns them into vector code for the processor it builds for.

use std::ops::Deref;

use candle_core::{CpuStorage, DType, Result, Storage, StorageRef, Tensor};
use rayon::prelude::*;

/// Below this many elements a kernel stays on the calling thread.
const PARALLEL: usize = 1 << 14;
/// Accumulators of a sum: enough for two 512-bit registers.
const LANES: usize = 32;

/// Whether the f32 CPU kernels apply to all of these tensors; otherwise the operation is composed of candle's.
pub(crate) fn applies(tensors: &[&Tensor]) -> bool {
    tensors.iter().all(|t| t.device().is_cpu() && t.dtype() == DType::F32)
}

/// The type that composed operations compute in: f32, or f64 where the tensor is that already.
pub(crate) fn wide(tensor: &Tensor) -> Result<Tensor> {
    tensor.to_dtype(if tensor.dtype() == DType::F64 { DType::F64 } else { DType::F32 })
}

/// The values of a contiguous f32 CPU tensor, in place.
pub(crate) fn values(tensor: &Tensor) -> Result<impl Deref<Target = [f32]>> {
    let (storage, layout) = tensor.storage_and_layout();
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("a cpu kernel was given a tensor that is not contiguous: {:?}", tensor.shape())
    };
    StorageRef::try_map(storage, |storage| match storage {
        Storage::Cpu(CpuStorage::F32(values)) => values.get(start..end),
        _ => None,
    })
    .map_err(|_| candle_core::Error::Msg("a cpu kernel was given a tensor that is not f32 on the cpu".to_owned()).bt())
}

/// Runs `f(row number, row)` for every row of `width`, in parallel where it pays.
pub(crate) fn for_rows(out: &mut [f32], width: usize, f: impl Fn(usize, &mut [f32]) + Sync) {
    if out.len() < PARALLEL {
        out.chunks_mut(width).enumerate().for_each(|(i, row)| f(i, row));
    } else {
        let group = (PARALLEL / 4 / width).max(1);
        out.par_chunks_mut(width * group).enumerate().for_each(|(chunk, rows)| {
            rows.chunks_mut(width).enumerate().for_each(|(i, row)| f(chunk * group + i, row));
        });
    }
}

/// A sum of `f` over pairs, accumulated in lanes: vectorised, and the same on every run.
pub(crate) fn sum2(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let (a_lanes, a_rest) = a.as_chunks::<LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<LANES>();
    let mut total = [0f32; LANES];
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..LANES {
            total[lane] += f(a[lane], b[lane]);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(&a, &b)| f(a, b)).sum();
    total.iter().sum::<f32>() + rest
}

/// A sum of `f` over values: see [`sum2`].
pub(crate) fn sum(a: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    sum2(a, a, |a, _| f(a))
}

/// The largest value; NaN is passed over (it shows in the sum that follows). Negative infinity when empty.
pub(crate) fn max(a: &[f32]) -> f32 {
    let larger = |x: f32, y: f32| if y > x { y } else { x };
    let (lanes, rest) = a.as_chunks::<LANES>();
    let mut top = [f32::NEG_INFINITY; LANES];
    for chunk in lanes {
        for lane in 0..LANES {
            top[lane] = larger(top[lane], chunk[lane]);
        }
    }
    top.iter().chain(rest).copied().fold(f32::NEG_INFINITY, larger)
}

/// `e^x` to about 2 units in the last place for `x <= 88`; exactly 0 below -87.3; NaN stays NaN.
///
/// Range reduction and minimax polynomial of the Cephes library (`expf`), with the power of two put in by adding to the exponent.
#[inline]
pub(crate) fn exp(x: f32) -> f32 {
    const LOWEST: f32 = -87.336_54;
    /// 1.5 * 2^23: adding it rounds to an integer held in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let clamped = if x < LOWEST { LOWEST } else { x };
    let rounded = fma(clamped, std::f32::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    // ln 2 in two parts, so that n times the first is exact.
    let r = fma(n, 2.121_944_4e-4, fma(n, -0.693_359_4, clamped));
    let p = fma(1.987_569_1e-4, r, 1.398_2e-3);
    let p = fma(p, r, 8.333_452e-3);
    let p = fma(p, r, 4.166_579_6e-2);
    let p = fma(p, r, 0.166_666_65);
    let p = fma(p, r, 0.5);
    let y = fma(p * r, r, r) + 1.0;
    let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(0x3f80_0000));
    if x < LOWEST { 0.0 } else { y * power }
}

/// `a * b + c`, in one instruction where the processor built for has one (`mul_add` alone would call a library elsewhere).
#[inline]
pub(crate) fn fma(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(target_feature = "fma") { a.mul_add(b, c) } else { a * b + c }
}

/// Logistic function `1 / (1 + e^-x)`, for any x.
#[inline]
pub(crate) fn sigmoid(x: f32) -> f32 {
    // e^-|x| never overflows; the other half follows by symmetry.
    let e = exp(-x.abs());
    let small = e / (1.0 + e);
    if x >= 0.0 { 1.0 - small } else { small }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these results are exact")]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        let mut worst = 0f64;
        for i in -87_000..88_000 {
            let x = i as f32 / 1000.0;
            let truth = f64::from(x).exp();
            worst = worst.max(((f64::from(exp(x)) - truth) / truth).abs());
        }
        assert!(worst < 2.0 * f64::from(f32::EPSILON), "{worst:e}");
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn sigmoid_holds_at_the_ends() {
        assert_eq!(sigmoid(-200.0), 0.0);
        assert_eq!(sigmoid(200.0), 1.0);
        assert!((sigmoid(0.0) - 0.5).abs() < 1e-7);
        assert!((sigmoid(-2.0) - 0.119_202_92).abs() < 1e-7);
    }

    #[test]
    fn sums_and_maxima_cover_the_rest_of_a_chunk() {
        let a: Vec<f32> = (0..77).map(|i| i as f32).collect();
        assert_eq!(sum(&a, |x| x), 77.0 * 38.0);
        assert_eq!(max(&a), 76.0);
        assert_eq!(max(&[]), f32::NEG_INFINITY);
    }
}
