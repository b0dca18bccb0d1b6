//! Where the tokens of a pass stand: rotary angles, and who may look at whom.

use candle_core::{DType, Device, Tensor};

use crate::ops::Mask;
use crate::{Error, Result};

/// Rotary angles and attention mask of a pass.
#[derive(Clone, Debug)]
pub struct Positions {
    /// Cosines, `[t, head_dim / 2]`, or `[b, t, head_dim / 2]` when rows differ.
    pub(super) cos: Tensor,
    /// Sines of the same shape.
    pub(super) sin: Tensor,
    /// Which keys each query sees.
    pub(super) mask: Mask,
}

impl Positions {
    /// Positions `offset` to `offset + length`, each seeing itself and all before it.
    pub(super) fn causal(frequencies: &[f32], length: usize, offset: usize, device: &Device, dtype: DType) -> Result<Self> {
        let (cos, sin) = angles(frequencies, offset..offset + length);
        let tensor = |values| Tensor::from_vec(values, (length, frequencies.len()), device)?.to_dtype(dtype);
        Ok(Self { cos: tensor(cos)?, sin: tensor(sin)?, mask: Mask::Causal })
    }

    /// Rows of several sequences: see [`super::Decoder::packed_positions`].
    pub(super) fn packed(frequencies: &[f32], rows: &[Vec<usize>], length: usize, device: &Device, dtype: DType) -> Result<Self> {
        let rows = rows.iter().map(|lengths| starts(lengths, length)).collect::<Result<Vec<_>>>()?;
        let (cos, sin) = angles(frequencies, rows.iter().flat_map(|starts| starts.iter().enumerate().map(|(i, start)| i - start)));
        let tensor = |values| Tensor::from_vec(values, (rows.len(), length, frequencies.len()), device)?.to_dtype(dtype);
        let first = rows.iter().flatten().map(|start| *start as u32).collect();
        Ok(Self { cos: tensor(cos)?, sin: tensor(sin)?, mask: Mask::Packed(first) })
    }
}

/// For each place of a row, the place where its sequence starts; padding starts at itself.
fn starts(lengths: &[usize], length: usize) -> Result<Vec<usize>> {
    let total: usize = lengths.iter().sum();
    if total > length {
        return Err(Error::Argument { what: "packed row", expected: format!("at most {length} tokens"), got: total.to_string() });
    }
    let mut starts = Vec::with_capacity(length);
    for n in lengths {
        let start = starts.len();
        starts.extend(std::iter::repeat_n(start, *n));
    }
    starts.extend(total..length);
    Ok(starts)
}

/// Cosines and sines of every position times every frequency.
fn angles(frequencies: &[f32], positions: impl Iterator<Item = usize>) -> (Vec<f32>, Vec<f32>) {
    let angle = positions.flat_map(|p| frequencies.iter().map(move |f| p as f32 * f));
    angle.map(|a| (a.cos(), a.sin())).unzip()
}

#[cfg(test)]
mod tests {
    use super::starts;

    #[test]
    fn padding_stands_alone() {
        assert_eq!(starts(&[2, 3], 7).unwrap(), [0, 0, 2, 2, 2, 5, 6]);
        assert!(starts(&[4, 4], 7).is_err());
    }
}
