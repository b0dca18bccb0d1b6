//! Matrix products with a weight: trained, or frozen and then without any gradient computed or kept for it.

use std::sync::Arc;

use candle_core::{D, DType, Device, Result, Tensor};

use super::node;

/// A frozen weight `[n, k]`, however it is stored.
pub trait FrozenWeight: Send + Sync {
    /// The weight in dense form, `[n, k]`, held only for the length of one multiplication.
    ///
    /// # Errors
    /// When it cannot be brought to that type or device.
    fn dense(&self, dtype: DType, device: &Device) -> Result<Tensor>;
}

impl FrozenWeight for Tensor {
    fn dense(&self, dtype: DType, device: &Device) -> Result<Tensor> {
        self.detach().to_device(device)?.to_dtype(dtype)
    }
}

/// `x wᵀ`: `x [.., k]`, `w [n, k]` to `[.., n]`. A plain product when nothing is tracked; when only `x` is, a node whose
/// backward is `g w`; when `w` is a `Var`, its gradient `gᵀ x` too.
///
/// # Errors
/// When widths, types or devices differ.
pub fn linear(x: &Tensor, w: &Tensor) -> Result<Tensor> {
    if !w.track_op() {
        if !x.track_op() {
            return product(x, w);
        }
        let weight: Arc<dyn FrozenWeight> = Arc::new(w.clone());
        return frozen_linear(x, &weight);
    }
    let (plain_x, plain_w, track_x) = (x.detach(), w.detach(), x.track_op());
    let value = product(&plain_x, &plain_w)?;
    let backward = move |_: &Tensor, g: &Tensor| {
        let dx = track_x.then(|| product_of_gradient(g, &plain_w)).transpose()?;
        let dw = rows(g)?.t()?.matmul(&rows(&plain_x)?)?;
        Ok([dx, Some(dw)])
    };
    node::node2("linear", [x, w], value, Box::new(backward))
}

/// `x wᵀ` with a frozen weight, which is brought to dense form in forward and again in backward and never kept in the graph.
///
/// # Errors
/// When widths, types or devices differ.
pub fn frozen_linear(x: &Tensor, weight: &Arc<dyn FrozenWeight>) -> Result<Tensor> {
    let value = product(&x.detach(), &weight.dense(x.dtype(), x.device())?)?;
    if !x.track_op() {
        return Ok(value);
    }
    let weight = weight.clone();
    let backward = move |_: &Tensor, g: &Tensor| Ok([Some(product_of_gradient(g, &weight.dense(g.dtype(), g.device())?)?)]);
    node::node1("frozen_linear", x, value, Box::new(backward))
}

/// `[.., k]` and `[n, k]` to a fresh `[.., n]`.
pub(super) fn product(x: &Tensor, w: &Tensor) -> Result<Tensor> {
    let mut dims = x.dims().to_vec();
    let y = rows(x)?.matmul(&w.t()?)?;
    if let Some(last) = dims.last_mut() {
        *last = w.dim(0)?;
    }
    y.reshape(dims)
}

/// `g w`: `[.., n]` and `[n, k]` to a fresh `[.., k]`.
pub(super) fn product_of_gradient(g: &Tensor, w: &Tensor) -> Result<Tensor> {
    let mut dims = g.dims().to_vec();
    let dx = rows(g)?.matmul(w)?;
    if let Some(last) = dims.last_mut() {
        *last = w.dim(1)?;
    }
    dx.reshape(dims)
}

/// `[.., k]` as a matrix `[m, k]`.
pub(super) fn rows(x: &Tensor) -> Result<Tensor> {
    let width = x.dim(D::Minus1)?;
    if x.rank() == 2 {
        return Ok(x.clone());
    }
    x.reshape(((), width))
}
