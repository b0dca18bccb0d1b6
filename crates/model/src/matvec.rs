//! Products of a few rows with dense weights of 16 or 32 bits, which is what decoding is made of.
//!
//! candle's matrix product has no path of its own for one row (it moves 12 GB/s where the memory gives more than twice that) and none for
//! bf16. Here each weight is read once, widened to f32 in registers (exact), and summed in f32. Many rows go to candle's product, with
//! 16-bit weights widened for that one call. Inference only: training has `ops::linear`.

use candle_core::{CpuStorage, D, DType, Device, Storage, Tensor};
use half::{bf16, f16};
use rayon::prelude::*;

use crate::Result;

/// Rows of x up to which each weight is worth reading straight from memory.
pub(crate) const FEW: usize = 4;
/// Rows of the weight a task takes.
const TASK: usize = 64;
/// Partial sums of a row: as many as the compiler was measured to turn into the fastest vector code, for one row and for more.
const LANES: [usize; 2] = [32, 64];

/// `x Wᵀ` for f32 x of shape `[.., k]` and W of shape `[n, k]`, f32, f16 or bf16.
pub(crate) fn linear(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let (n, k) = weight.dims2()?;
    let rows = x.elem_count() / x.dim(D::Minus1)?.max(1);
    let mut shape = x.dims().to_vec();
    if let Some(last) = shape.last_mut() {
        *last = n;
    }
    let few = x.device().is_cpu() && x.dtype() == DType::F32 && (1..=FEW).contains(&rows) && x.dim(D::Minus1)? == k;
    if few && let Some(y) = few_rows(&x.contiguous()?, weight, rows, n) {
        return Ok(Tensor::from_vec(y, shape, x.device())?);
    }
    let y = x.reshape((rows, ()))?.matmul(&widened(weight, x.dtype())?.t()?)?;
    Ok(y.reshape(shape)?)
}

/// The weight in the format of x, for one product.
fn widened(weight: &Tensor, dtype: DType) -> Result<Tensor> {
    if weight.dtype() == dtype || dtype != DType::F32 || !weight.device().is_cpu() {
        return Ok(weight.to_dtype(dtype)?);
    }
    let (storage, layout) = weight.storage_and_layout();
    let range = layout.contiguous_offsets();
    let values = match (&*storage, range) {
        (Storage::Cpu(CpuStorage::F16(values)), Some((from, to))) => widen_all(&values[from..to]),
        (Storage::Cpu(CpuStorage::BF16(values)), Some((from, to))) => widen_all(&values[from..to]),
        _ => return Ok(weight.to_dtype(dtype)?),
    };
    Ok(Tensor::from_vec(values, weight.shape(), &Device::Cpu)?)
}

fn widen_all<W: Widen>(stored: &[W]) -> Vec<f32> {
    let mut values = vec![0.0; stored.len()];
    values.par_chunks_mut(1 << 16).zip(stored.par_chunks(1 << 16)).for_each(|(values, stored)| {
        for (value, stored) in values.iter_mut().zip(stored) {
            *value = stored.widen();
        }
    });
    values
}

/// `[rows, n]`, or `None` when the tensors are not laid out for it.
fn few_rows(x: &Tensor, weight: &Tensor, rows: usize, n: usize) -> Option<Vec<f32>> {
    let ((x, x_layout), (w, w_layout)) = (x.storage_and_layout(), weight.storage_and_layout());
    let (Storage::Cpu(CpuStorage::F32(x)), Storage::Cpu(w)) = (&*x, &*w) else { return None };
    let (from, to) = x_layout.contiguous_offsets()?;
    let x = &x[from..to];
    let (from, to) = w_layout.contiguous_offsets()?;
    match w {
        CpuStorage::F32(w) => Some(by_rows(x, &w[from..to], rows, n)),
        CpuStorage::F16(w) => Some(by_rows(x, &w[from..to], rows, n)),
        CpuStorage::BF16(w) => Some(by_rows(x, &w[from..to], rows, n)),
        _ => None,
    }
}

fn by_rows<W: Widen>(x: &[f32], w: &[W], rows: usize, n: usize) -> Vec<f32> {
    let k = x.len() / rows;
    let mut y = vec![0.0; rows * n];
    if rows == 1 {
        y.par_chunks_mut(TASK).zip(w.par_chunks(TASK * k)).for_each(|(y, w)| into_rows(x, w, y.len(), y));
        return y;
    }
    let parts: Vec<Vec<f32>> = w
        .par_chunks(TASK * k)
        .map(|w| {
            let mut part = vec![0.0; w.len() / k * rows];
            into_rows(x, w, w.len() / k, &mut part);
            part
        })
        .collect();
    for (i, part) in parts.iter().enumerate() {
        let width = part.len() / rows;
        for (row, part) in part.chunks_exact(width).enumerate() {
            y[row * n + i * TASK..][..width].copy_from_slice(part);
        }
    }
    y
}

/// `out [rows, n]` of x `[rows, k]`, at most [`FEW`] rows, and w `[n, k]`, on this thread.
pub(crate) fn into_rows<W: Widen>(x: &[f32], w: &[W], n: usize, out: &mut [f32]) {
    match out.len() / n {
        1 => product::<W, 1, { LANES[0] }>(x, w, n, out),
        2 => product::<W, 2, { LANES[1] }>(x, w, n, out),
        3 => product::<W, 3, { LANES[1] }>(x, w, n, out),
        _ => product::<W, FEW, { LANES[1] }>(x, w, n, out),
    }
}

/// M rows, in L partial sums.
fn product<W: Widen, const M: usize, const L: usize>(x: &[f32], w: &[W], n: usize, out: &mut [f32]) {
    let k = x.len() / M;
    for (i, w) in w.chunks_exact(k).enumerate() {
        for (row, dot) in dots::<W, M, L>(x, w).into_iter().enumerate() {
            out[row * n + i] = dot;
        }
    }
}

/// The dot products of M rows of x with one row of w.
fn dots<W: Widen, const M: usize, const L: usize>(x: &[f32], w: &[W]) -> [f32; M] {
    let k = w.len();
    let (chunks, rest) = w.as_chunks::<L>();
    let rows: [_; M] = std::array::from_fn(|row| x[row * k..(row + 1) * k].as_chunks::<L>());
    let mut sums = [[0f32; L]; M];
    for (i, chunk) in chunks.iter().enumerate() {
        for row in 0..M {
            let x = &rows[row].0[i];
            for lane in 0..L {
                sums[row][lane] = x[lane].mul_add(chunk[lane].widen(), sums[row][lane]);
            }
        }
    }
    let mut dots = [0.0; M];
    for row in 0..M {
        dots[row] = fold(&mut sums[row]);
        for (x, w) in rows[row].1.iter().zip(rest) {
            dots[row] += x * w.widen();
        }
    }
    dots
}

/// The sum of L values, halves added to halves.
#[inline]
fn fold<const L: usize>(sums: &mut [f32; L]) -> f32 {
    let mut n = L;
    while n > 1 {
        n /= 2;
        let (low, high) = sums[..2 * n].split_at_mut(n);
        for (low, high) in low.iter_mut().zip(high) {
            *low += *high;
        }
    }
    sums[0]
}

/// An exact conversion to f32 that the compiler can vectorise.
pub(crate) trait Widen: Copy + Send + Sync {
    /// The same value in 32 bits.
    fn widen(self) -> f32;
}

impl Widen for f32 {
    #[inline]
    fn widen(self) -> f32 {
        self
    }
}

impl Widen for bf16 {
    #[inline]
    fn widen(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
}

impl Widen for f16 {
    /// Exponent and mantissa are put in their places and the difference of the exponents' biases is multiplied in, which also
    /// makes subnormal numbers right; the largest exponent (infinity, not a number) is then set to the largest.
    #[inline]
    fn widen(self) -> f32 {
        const REBIAS: f32 = f32::from_bits((254 - 15) << 23);
        const LARGEST: u32 = 31 << 23;
        let bits = u32::from(self.to_bits());
        let magnitude = (bits & 0x7fff) << 13;
        let number = (f32::from_bits(magnitude) * REBIAS).to_bits();
        let special = if magnitude >= LARGEST { 0xff << 23 } else { 0 };
        f32::from_bits(number | special | (bits & 0x8000) << 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_f16_is_widened_as_half_does() {
        for bits in 0..=u16::MAX {
            let value = f16::from_bits(bits);
            let (got, expected) = (value.widen(), value.to_f32());
            assert!(got.to_bits() == expected.to_bits() || got.is_nan() && expected.is_nan(), "{bits:#06x}: {got} and not {expected}");
        }
    }

    #[test]
    fn few_rows_agree_with_candle() {
        for (rows, n, k) in [(1, 200, 172), (2, 65, 64), (3, 7, 300), (4, 130, 63)] {
            let wave = |count: usize, step: usize| (0..count).map(|i| ((i * step % 97) as f32 - 48.0) / 50.0).collect::<Vec<_>>();
            let x = Tensor::from_vec(wave(rows * k, 31), (1, rows, k), &Device::Cpu).unwrap();
            let w = Tensor::from_vec(wave(n * k, 57), (n, k), &Device::Cpu).unwrap();
            for dtype in [DType::F32, DType::F16, DType::BF16] {
                let w = w.to_dtype(dtype).unwrap();
                let got = linear(&x, &w).unwrap();
                assert_eq!(got.dims(), [1, rows, n]);
                let exact = w.to_dtype(DType::F32).unwrap().t().unwrap();
                let expected = x.squeeze(0).unwrap().matmul(&exact).unwrap().unsqueeze(0).unwrap();
                let worst = (got - expected).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
                assert!(worst < 1e-3, "{rows} {n} {k} {dtype:?}: {worst}");
            }
        }
    }
}
