//! Post-training quantisation of one tensor: to the blocks of GGUF, with the rules for widths that do not allow a format.
//!
//! The block formats and their rounding are candle's, which follow ggml's reference quantisers. Not here: which tensors of a
//! model are quantised (`compress`), and NF4, which is no GGUF format.

use std::borrow::Cow;
use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{DType, Device, Tensor};
use half::f16;
use rayon::prelude::*;

use crate::decoder::Weight;
use crate::{Error, Result};

/// What a tensor is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// 32-bit floats.
    F32,
    /// 16-bit floats.
    F16,
    /// Blocks of 32 with 8-bit values and an f16 scale: 8.5 bits a weight.
    Q8_0,
    /// Blocks of 32 with 4-bit values and an f16 scale: 4.5 bits a weight.
    Q4_0,
    /// Blocks of 256 with 4-bit values, eight 6-bit scales and minima: 4.5 bits a weight.
    Q4K,
}

/// A tensor in the format it was really given.
#[derive(Clone, Debug)]
pub struct Quantised {
    /// The format used, which is not the one asked for where the width does not allow that.
    pub format: Format,
    /// Rows and width, as of the tensor.
    pub shape: Vec<usize>,
    /// Little-endian, row after row.
    pub bytes: Vec<u8>,
}

impl Format {
    /// The format used for rows of this width: `Q4_K` needs a multiple of 256 and otherwise becomes `Q4_0`; the formats with blocks of 32
    /// need a multiple of that and otherwise become F16.
    #[must_use]
    pub fn fitting(self, width: usize) -> Self {
        match self {
            Self::Q4K if !width.is_multiple_of(256) => Self::Q4_0.fitting(width),
            Self::Q8_0 | Self::Q4_0 if !width.is_multiple_of(32) => Self::F16,
            other => other,
        }
    }

    /// The word used in records and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Q8_0 => "q8_0",
            Self::Q4_0 => "q4_0",
            Self::Q4K => "q4_k",
        }
    }

    /// candle's name of it; `None` for plain floats, which are no blocks.
    pub(crate) fn ggml(self) -> Option<GgmlDType> {
        match self {
            Self::F32 | Self::F16 => None,
            Self::Q8_0 => Some(GgmlDType::Q8_0),
            Self::Q4_0 => Some(GgmlDType::Q4_0),
            Self::Q4K => Some(GgmlDType::Q4K),
        }
    }
}

/// Quantises a tensor of any float format, in parallel over its rows. `name` is for messages.
///
/// # Errors
/// When a value is beyond f16 and that is the format, or an operation fails.
pub fn quantise(name: &str, tensor: &Tensor, format: Format) -> Result<Quantised> {
    let shape = tensor.dims().to_vec();
    let width = shape.last().copied().unwrap_or(1).max(1);
    let format = format.fitting(width);
    let tensor = tensor.to_device(&Device::Cpu)?;
    let bytes = match format.ggml() {
        None if format == Format::F16 => f16_bytes(&to_f16(name, &tensor)?)?,
        None => f32_bytes(&tensor)?,
        Some(ggml) => blocks(&tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?, width, ggml)?,
    };
    Ok(Quantised { format, shape, bytes })
}

/// Rounds to f16.
///
/// # Errors
/// [`Error::F16Overflow`] when a finite value has no finite counterpart.
pub(crate) fn to_f16(name: &str, tensor: &Tensor) -> Result<Tensor> {
    let wide = tensor.to_dtype(DType::F32)?;
    let largest = if wide.elem_count() == 0 { 0.0 } else { wide.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>()? };
    if largest.is_finite() && !f16::from_f32(largest).is_finite() {
        return Err(Error::F16Overflow { name: name.to_owned() });
    }
    Ok(tensor.to_dtype(DType::F16)?)
}

impl Quantised {
    pub(crate) fn into_weight(self, device: &Device) -> Result<Weight> {
        let Some(ggml) = self.format.ggml() else {
            let dtype = if self.format == Format::F16 { DType::F16 } else { DType::F32 };
            return Ok(Weight::Dense(Tensor::from_raw_buffer(&self.bytes, dtype, &self.shape, device)?));
        };
        let storage = QStorage::from_data(Cow::Owned(self.bytes), device, ggml)?;
        Ok(Weight::Quantised(Arc::new(QTensor::new(storage, self.shape)?)))
    }
}

/// Rows quantised at a time by one thread.
const ROWS: usize = 64;

fn blocks(values: &[f32], width: usize, ggml: GgmlDType) -> Result<Vec<u8>> {
    let parts = values.par_chunks(ROWS * width).map(|part| {
        // A tensor of its own: candle's quantisation does not see where a view starts.
        let part = Tensor::from_slice(part, (part.len() / width, width), &Device::Cpu)?;
        Ok(QTensor::quantize(&part, ggml)?.data()?.into_owned())
    });
    Ok(parts.collect::<Result<Vec<_>>>()?.concat())
}

fn f32_bytes(tensor: &Tensor) -> Result<Vec<u8>> {
    let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    Ok(values.into_iter().flat_map(f32::to_le_bytes).collect())
}

fn f16_bytes(tensor: &Tensor) -> Result<Vec<u8>> {
    let values = tensor.flatten_all()?.to_vec1::<f16>()?;
    Ok(values.into_iter().flat_map(f16::to_le_bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that differ from each other, so that a row in another's place shows.
    fn wave(rows: usize, width: usize) -> Tensor {
        let value = |i: usize| ((i * 37 % 101) as f32 / 50.0 - 1.0) * (1.0 + (i / width) as f32 / 40.0);
        Tensor::from_iter((0..rows * width).map(value), &Device::Cpu).unwrap().reshape((rows, width)).unwrap()
    }

    fn back(quantised: Quantised) -> Tensor {
        match quantised.into_weight(&Device::Cpu).unwrap() {
            Weight::Dense(tensor) => tensor.to_dtype(DType::F32).unwrap(),
            Weight::Quantised(blocks) => blocks.dequantize(&Device::Cpu).unwrap(),
        }
    }

    #[test]
    fn every_row_comes_back_within_its_formats_step() {
        // Half a step as a share of the row's largest value: 1 / 254; 1 / 8 at the end that Q4_0 clips; 1 / 30 and 6-bit scales and minima.
        for (format, share) in [(Format::F32, 0.0), (Format::F16, 5e-4), (Format::Q8_0, 0.005), (Format::Q4_0, 0.126), (Format::Q4K, 0.08)]
        {
            let tensor = wave(200, 256);
            let quantised = quantise("w", &tensor, format).unwrap();
            assert_eq!((quantised.format, quantised.shape.as_slice()), (format, &[200, 256][..]));
            let off = (back(quantised) - &tensor).unwrap().abs().unwrap().max(1).unwrap().to_vec1::<f32>().unwrap();
            let largest = tensor.abs().unwrap().max(1).unwrap().to_vec1::<f32>().unwrap();
            for (row, (off, largest)) in off.into_iter().zip(largest).enumerate() {
                assert!(off <= largest * share, "{} row {row}: {off} of {largest}", format.name());
            }
        }
    }

    #[test]
    fn widths_that_do_not_allow_a_format_take_the_next() {
        let used = |format: Format, width| quantise("w", &wave(3, width), format).unwrap().format;
        assert_eq!(used(Format::Q4K, 512), Format::Q4K);
        assert_eq!(used(Format::Q4K, 288), Format::Q4_0);
        assert_eq!(used(Format::Q4K, 172), Format::F16);
        assert_eq!(used(Format::Q8_0, 172), Format::F16);
        assert_eq!(used(Format::F32, 1), Format::F32);
    }

    #[test]
    fn a_value_beyond_f16_is_refused_and_an_infinite_one_stays() {
        let tensor = |value: f32| Tensor::new(&[1.0, value], &Device::Cpu).unwrap();
        assert!(matches!(quantise("w", &tensor(-70_000.0), Format::F16), Err(Error::F16Overflow { name }) if name == "w"));
        assert!(quantise("w", &tensor(65_504.0), Format::F16).is_ok());
        assert!(quantise("w", &tensor(f32::INFINITY), Format::F16).is_ok());
    }
}
