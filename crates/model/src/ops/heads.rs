//! From the channels of a projection to heads and back: the copies that attention needs.

use candle_core::{Result, Tensor};

use super::node;

/// `x [b, t, heads * d]` to `[b, heads, t, d]`, contiguous.
///
/// # Errors
/// When the width is no multiple of `heads`.
pub fn split_heads(x: &Tensor, heads: usize) -> Result<Tensor> {
    let value = split(&x.detach(), heads)?;
    if !x.track_op() {
        return Ok(value);
    }
    node::node1("split_heads", x, value, Box::new(|_, g| Ok([Some(merge(g)?)])))
}

/// A fresh `[b, heads, t, d]` of a `[b, t, heads * d]`.
pub(super) fn split(x: &Tensor, heads: usize) -> Result<Tensor> {
    let (b, t, width) = x.dims3()?;
    if heads == 0 || width % heads != 0 {
        candle_core::bail!("a width of {width} does not divide into {heads} heads");
    }
    let view = x.reshape((b, t, heads, width / heads))?.transpose(1, 2)?;
    // With one head or one position the view is contiguous already, and would share its storage with x.
    if view.is_contiguous() { view.copy() } else { view.contiguous() }
}

/// A fresh `[b, t, heads * d]` of a `[b, heads, t, d]`.
fn merge(x: &Tensor) -> Result<Tensor> {
    let (b, heads, t, d) = x.dims4()?;
    x.transpose(1, 2)?.contiguous()?.reshape((b, t, heads * d))
}
