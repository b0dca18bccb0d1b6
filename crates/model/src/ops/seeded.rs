//! Where a backward pass starts in the middle of a model: from a gradient computed elsewhere instead of from a loss.

use candle_core::{Result, Tensor};

use super::node;

/// A scalar of value 0 whose gradient with respect to `y` is `gradient`: its `backward()` carries that gradient on, as gradient
/// checkpointing needs for a block that is run again.
///
/// # Errors
/// When the shapes differ.
pub fn seeded(y: &Tensor, gradient: &Tensor) -> Result<Tensor> {
    if y.shape() != gradient.shape() {
        candle_core::bail!("a gradient of shape {:?} for a value of shape {:?}", gradient.shape(), y.shape());
    }
    let value = Tensor::zeros((), y.dtype(), y.device())?;
    let gradient = gradient.detach();
    node::node1("seeded", y, value, Box::new(move |_, _| Ok([Some(gradient.clone())])))
}
