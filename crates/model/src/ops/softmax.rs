//! Softmax over the last dimension.

use candle_core::{D, Result, Tensor};

use super::{cpu, node};

/// `e^x / sum(e^x)` over the last dimension, shifted by the maximum so that nothing overflows; same shape as `x`.
///
/// # Errors
/// When the type is not a float.
pub fn softmax(x: &Tensor) -> Result<Tensor> {
    let value = forward(&x.detach().contiguous()?)?;
    if !x.track_op() {
        return Ok(value);
    }
    node::node1("softmax", x, value, Box::new(|y, g| Ok([Some(gradient(&y.detach(), &g.contiguous()?)?)])))
}

fn forward(x: &Tensor) -> Result<Tensor> {
    if !cpu::applies(&[x]) {
        return candle_nn::ops::softmax_last_dim(x);
    }
    let width = x.dim(D::Minus1)?;
    let mut out = cpu::values(x)?.to_vec();
    cpu::for_rows(&mut out, width, |_, row| softmax_row(row, 1.0));
    Tensor::from_vec(out, x.shape(), x.device())
}

/// The softmax of `scale` times a row (`scale` above 0), in place.
pub(crate) fn softmax_row(row: &mut [f32], scale: f32) {
    let top = cpu::max(row);
    for x in row.iter_mut() {
        *x = cpu::exp((*x - top) * scale);
    }
    let share = 1.0 / cpu::sum(row, |x| x);
    for x in row.iter_mut() {
        *x *= share;
    }
}

/// `dx = y (g - sum(g y))`.
fn gradient(y: &Tensor, g: &Tensor) -> Result<Tensor> {
    if !cpu::applies(&[y, g]) {
        let weighted = (g * y)?;
        let total = weighted.sum_keepdim(D::Minus1)?;
        return weighted - y.broadcast_mul(&total)?;
    }
    let width = y.dim(D::Minus1)?;
    let mut out = vec![0f32; y.elem_count()];
    {
        let (y, g) = (cpu::values(y)?, cpu::values(g)?);
        cpu::for_rows(&mut out, width, |i, out| {
            let (y, g) = (&y[i * width..][..width], &g[i * width..][..width]);
            let total = cpu::sum2(y, g, |y, g| y * g);
            for ((d, &y), &g) in out.iter_mut().zip(y).zip(g) {
                *d = y * (g - total);
            }
        });
    }
    Tensor::from_vec(out, y.shape(), y.device())
}
