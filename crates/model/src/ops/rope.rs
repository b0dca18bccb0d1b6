//! Rotary position embedding (Su et al. 2021, arXiv 2104.09864), in both layouts in use.

use candle_core::{Result, Tensor};
use candle_nn::rotary_emb;

use super::node;

/// Rotates `x [b, h, t, d]` by the angles whose `cos` and `sin` are `[t, d/2]`, or `[b, t, d/2]` when positions differ by row.
///
/// `interleaved` pairs elements `2i, 2i+1` (GGUF's LLaMA); otherwise `i, i + d/2` (Hugging Face).
///
/// # Errors
/// When shapes, types or devices do not fit.
pub fn rope(x: &Tensor, cos: &Tensor, sin: &Tensor, interleaved: bool) -> Result<Tensor> {
    let value = rotate(&x.detach(), cos, sin, interleaved)?;
    if !x.track_op() {
        return Ok(value);
    }
    let (cos, back) = (cos.clone(), sin.neg()?);
    // The inverse of a rotation is the rotation by the opposite angle.
    let backward = move |_: &Tensor, g: &Tensor| Ok([Some(rotate(g, &cos, &back, interleaved)?)]);
    node::node1("rope", x, value, Box::new(backward))
}

fn rotate(x: &Tensor, cos: &Tensor, sin: &Tensor, interleaved: bool) -> Result<Tensor> {
    let x = x.contiguous()?;
    if interleaved { rotary_emb::rope_i(&x, cos, sin) } else { rotary_emb::rope(&x, cos, sin) }
}
