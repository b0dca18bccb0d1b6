//! Products of a few rows with dense weights of 16 or 32 bits, which is what decoding is made of.
//!
//! candle's matrix product has no path for one row (it moves 12 GB/s where the memory gives more than twice that), and none for
//! bf16. Here each weight is read once, widened to f32 in registers (exact), and summed in f32. Many rows go to candle's product, with narrow
//! weights widened for that one call. Inference only: training has `ops::linear`.

use candle_core::{DType, Tensor};

use crate::Result;

/// `x Wᵀ` for x of shape `[.., k]` and W of shape `[n, k]` of any float format.
pub(crate) fn linear(x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let k = x.dim(candle_core::D::Minus1)?;
    let rows = x.elem_count() / k;
    let mut shape = x.dims().to_vec();
    let weight = if weight.dtype() == x.dtype() { weight.clone() } else { weight.to_dtype(DType::F32)? };
    let y = x.reshape((rows, k))?.matmul(&weight.t()?)?;
    if let Some(last) = shape.last_mut() {
        *last = weight.dim(0)?;
    }
    Ok(y.reshape(shape)?)
}
