//! 4-bit `NormalFloat` weights with double quantisation (Dettmers et al. 2023, arXiv 2305.14314), as bitsandbytes keeps them.
//!
//! Each block of 64 values is divided by its largest magnitude and rounded to a code book of 16. The magnitudes themselves are
//! quantised: their mean is subtracted, and in groups of 256 they are rounded to an 8-bit dynamic map. That makes 4.127 bits a
//! weight. Not here: bitsandbytes' own serialisation, and any 4-bit type other than NF4.

mod code_book;
mod scales;

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};
use rayon::prelude::*;

use crate::ops::{FrozenWeight, frozen_linear};
use code_book::{CODE_BOOK, nearest};
use scales::Scales;

/// Weights that share one magnitude.
pub const BLOCK: usize = 64;
/// Blocks that one task dequantises.
const TASK: usize = 256;

/// A weight `[n, k]` in 4-bit `NormalFloat`.
#[derive(Debug)]
pub struct Nf4 {
    /// Two codes a byte, the first in the high half.
    codes: Vec<u8>,
    scales: Scales,
    shape: (usize, usize),
}

impl Nf4 {
    /// Quantises a matrix `[n, k]` of any float type.
    ///
    /// # Errors
    /// When it is no matrix, is empty, or a value is not finite.
    pub fn quantise(weight: &Tensor) -> Result<Self> {
        let shape = weight.dims2()?;
        let values = weight.to_device(&Device::Cpu)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        if values.is_empty() {
            candle_core::bail!("a weight of shape {shape:?} has nothing to quantise");
        }
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            candle_core::bail!("value {at} of the weight is {}", values[at]);
        }
        let magnitudes: Vec<f32> = values.par_chunks(BLOCK).map(|block| block.iter().fold(0f32, |m, v| m.max(v.abs()))).collect();
        let mut codes = vec![0u8; values.len().div_ceil(2)];
        let blocks = codes.par_chunks_mut(BLOCK / 2).zip(values.par_chunks(BLOCK)).zip(&magnitudes);
        blocks.for_each(|((codes, values), &magnitude)| {
            let inverse = if magnitude > 0.0 { 1.0 / magnitude } else { 0.0 };
            for (code, pair) in codes.iter_mut().zip(values.chunks(2)) {
                let second = pair.get(1).map_or(0, |v| nearest(v * inverse));
                *code = nearest(pair[0] * inverse) << 4 | second;
            }
        });
        Ok(Self { codes, scales: Scales::quantise(&magnitudes), shape })
    }

    /// The weight in dense form, `[n, k]`.
    ///
    /// # Errors
    /// When the device cannot hold it or the type is not a float.
    pub fn dequantise(&self, dtype: DType, device: &Device) -> Result<Tensor> {
        let mut values = vec![0f32; self.shape.0 * self.shape.1];
        let tasks = values.par_chunks_mut(BLOCK * TASK).zip(self.codes.par_chunks(BLOCK / 2 * TASK)).enumerate();
        tasks.for_each(|(task, (values, codes))| {
            let blocks = values.chunks_mut(BLOCK).zip(codes.chunks(BLOCK / 2)).enumerate();
            for (i, (values, codes)) in blocks {
                let magnitude = self.scales.magnitude(task * TASK + i);
                let table = CODE_BOOK.map(|v| v * magnitude);
                for (pair, code) in values.chunks_mut(2).zip(codes) {
                    pair[0] = table[usize::from(code >> 4)];
                    if let Some(second) = pair.get_mut(1) {
                        *second = table[usize::from(code & 15)];
                    }
                }
            }
        });
        Tensor::from_vec(values, self.shape, &Device::Cpu)?.to_dtype(dtype)?.to_device(device)
    }

    /// `(n, k)`.
    pub fn shape(&self) -> (usize, usize) {
        self.shape
    }

    /// Bytes held: codes, quantised magnitudes, their scales and their mean.
    pub fn bytes(&self) -> usize {
        self.codes.len() + self.scales.bytes()
    }
}

impl FrozenWeight for Nf4 {
    fn dense(&self, dtype: DType, device: &Device) -> Result<Tensor> {
        self.dequantise(dtype, device)
    }
}

/// `x wᵀ`: `x [.., k]` to `[.., n]`. The weight is dequantised in forward and again in backward, and never kept in the graph.
///
/// # Errors
/// When widths do not fit.
pub fn linear(x: &Tensor, weight: &Arc<Nf4>) -> Result<Tensor> {
    let weight: Arc<dyn FrozenWeight> = weight.clone();
    frozen_linear(x, &weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 37 % 101) as f32 / 50.0 - 1.0) * (1.0 + (i / BLOCK % 7) as f32)).collect()
    }

    #[test]
    fn a_weight_comes_back_within_half_a_step_of_its_block() {
        let values = wave(640 * 96);
        let weight = Tensor::from_slice(&values, (640, 96), &Device::Cpu).unwrap();
        let nf4 = Nf4::quantise(&weight).unwrap();
        let back = nf4.dequantise(DType::F32, &Device::Cpu).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (block, (values, back)) in values.chunks(BLOCK).zip(back.chunks(BLOCK)).enumerate() {
            let magnitude = values.iter().fold(0f32, |m, v| m.max(v.abs()));
            // The widest gap of the code book is 0.304; the magnitude itself is off by up to a 32nd of the group's spread.
            let tolerance = magnitude * 0.153 + 0.2;
            for (v, b) in values.iter().zip(back) {
                assert!((v - b).abs() <= tolerance, "block {block}: {v} came back as {b}");
            }
        }
        assert_eq!(nf4.shape(), (640, 96));
        let bits = nf4.bytes() as f64 * 8.0 / values.len() as f64;
        assert!((bits - 4.127).abs() < 0.002, "{bits} bits a weight");
    }

    // bitsandbytes.json is written by crates/adapt/tests/fixtures/make_fixtures.py with bitsandbytes itself.
    #[test]
    fn codes_magnitudes_and_values_are_those_of_bitsandbytes() {
        let reference: serde_json::Value = serde_json::from_str(include_str!("nf4/bitsandbytes.json")).unwrap();
        let bytes = |key: &str| {
            let hex = reference[key].as_str().unwrap();
            (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect::<Vec<u8>>()
        };
        let floats = |key: &str| reference[key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect::<Vec<f32>>();
        let (rows, columns) = (reference["rows"].as_u64().unwrap() as usize, reference["columns"].as_u64().unwrap() as usize);
        let value = |i: usize| {
            let spread = 1.0 + (i / 64 * 37 % 101) as f64 / 25.0;
            ((((i * 7919 + 13) % 10007) as f64 / 5003.5 - 1.0) * spread) as f32
        };
        let weight = Tensor::from_iter((0..rows * columns).map(value), &Device::Cpu).unwrap().reshape((rows, columns)).unwrap();
        let nf4 = Nf4::quantise(&weight).unwrap();
        assert_eq!(nf4.codes, bytes("codes"));
        assert_eq!(nf4.scales.codes(), bytes("magnitudes"));
        let close = |got: &[f32], expected: &[f32]| {
            assert_eq!(got.len(), expected.len());
            let far = got.iter().zip(expected).find(|(g, e)| (*g - *e).abs() > 1e-6 * e.abs().max(1.0));
            assert!(far.is_none(), "{far:?}");
        };
        close(&code_book::dynamic_map(), &floats("map"));
        close(nf4.scales.groups(), &floats("groups"));
        let back = nf4.dequantise(DType::F32, &Device::Cpu).unwrap();
        close(&back.get(0).unwrap().to_vec1().unwrap(), &floats("first_row"));
        close(&back.get(rows - 1).unwrap().to_vec1().unwrap(), &floats("last_row"));
    }

    #[test]
    fn widths_that_do_not_fill_a_block_or_a_byte_are_kept() {
        let weight = Tensor::from_slice(&wave(3 * 43), (3, 43), &Device::Cpu).unwrap();
        let back = Nf4::quantise(&weight).unwrap().dequantise(DType::F16, &Device::Cpu).unwrap();
        assert_eq!((back.dims2().unwrap(), back.dtype()), ((3, 43), DType::F16));
    }

    #[test]
    fn zeros_stay_near_zero_and_bad_values_are_refused() {
        let zeros = Tensor::zeros((2, 64), DType::F32, &Device::Cpu).unwrap();
        let back = Nf4::quantise(&zeros).unwrap().dequantise(DType::F32, &Device::Cpu).unwrap();
        assert_eq!(back.flatten_all().unwrap().to_vec1::<f32>().unwrap(), vec![0.0; 128]);
        let bad = Tensor::new(&[[1f32, f32::NAN]], &Device::Cpu).unwrap();
        assert!(Nf4::quantise(&bad).unwrap_err().to_string().contains("value 1"));
    }
}
