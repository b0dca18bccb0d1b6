//! Root-mean-square normalisation (Zhang and Sennrich 2019, arXiv 1910.07467): `y = w x / sqrt(mean(x^2) + eps)`.

use candle_core::{D, DType, Result, Tensor};
use rayon::prelude::*;

use super::{cpu, node};

/// Rows summed by one task for the weight's gradient; the parts are then added in order, so that the sum is the same on every run.
const ROWS: usize = 64;

/// `w x / sqrt(mean(x^2) + eps)` over the last dimension: `x [.., d]`, `w [d]` to `[.., d]`.
///
/// # Errors
/// When the widths, types or devices differ.
pub fn rms_norm(x: &Tensor, w: &Tensor, eps: f64) -> Result<Tensor> {
    let (plain_x, plain_w) = (x.detach().contiguous()?, w.detach());
    let value = forward(&plain_x, &plain_w, eps)?;
    let (track_x, track_w) = (x.track_op(), w.track_op());
    if !track_x && !track_w {
        return Ok(value);
    }
    let backward = move |_: &Tensor, g: &Tensor| {
        let g = g.contiguous()?;
        let dx = track_x.then(|| gradient_x(&plain_x, &plain_w, &g, eps)).transpose()?;
        let dw = track_w.then(|| gradient_w(&plain_x, &g, eps)).transpose()?;
        Ok([dx, dw])
    };
    node::node2("rms_norm", [x, w], value, Box::new(backward))
}

fn forward(x: &Tensor, w: &Tensor, eps: f64) -> Result<Tensor> {
    if !cpu::applies(&[x, w]) || x.dim(D::Minus1)? != w.elem_count() {
        return if x.dtype() == DType::F64 { forward_composed(x, w, eps) } else { candle_nn::ops::rms_norm(x, w, eps as f32) };
    }
    let width = w.elem_count();
    let mut out = vec![0f32; x.elem_count()];
    {
        let (x, w) = (cpu::values(x)?, cpu::values(w)?);
        cpu::for_rows(&mut out, width, |i, out| {
            let x = &x[i * width..][..width];
            let scale = inverse_rms(x, eps);
            for ((y, &x), &w) in out.iter_mut().zip(x).zip(&*w) {
                *y = x * scale * w;
            }
        });
    }
    Tensor::from_vec(out, x.shape(), x.device())
}

fn forward_composed(x: &Tensor, w: &Tensor, eps: f64) -> Result<Tensor> {
    x.broadcast_mul(&inverse_rms_composed(x, eps)?)?.broadcast_mul(w)
}

/// With `s = 1 / rms(x)`: `dx = s w g - x s^3 mean(w g x)`.
fn gradient_x(x: &Tensor, w: &Tensor, g: &Tensor, eps: f64) -> Result<Tensor> {
    if !cpu::applies(&[x, w, g]) {
        return gradient_x_composed(x, w, g, eps);
    }
    let width = w.elem_count();
    let mut out = vec![0f32; x.elem_count()];
    {
        let (x, w, g) = (cpu::values(x)?, cpu::values(w)?, cpu::values(g)?);
        cpu::for_rows(&mut out, width, |i, out| {
            let (x, g) = (&x[i * width..][..width], &g[i * width..][..width]);
            let scale = inverse_rms(x, eps);
            for ((d, &g), &w) in out.iter_mut().zip(g).zip(&*w) {
                *d = g * w * scale;
            }
            let along = cpu::sum2(out, x, |d, x| d * x) * scale * scale / width as f32;
            for (d, &x) in out.iter_mut().zip(x) {
                *d -= x * along;
            }
        });
    }
    Tensor::from_vec(out, x.shape(), x.device())
}

fn gradient_x_composed(x: &Tensor, w: &Tensor, g: &Tensor, eps: f64) -> Result<Tensor> {
    let x_wide = cpu::wide(x)?;
    let scale = inverse_rms_composed(&x_wide, eps)?;
    let scaled = cpu::wide(g)?.broadcast_mul(&cpu::wide(w)?)?.broadcast_mul(&scale)?;
    let along = ((&scaled * &x_wide)?.mean_keepdim(D::Minus1)? * scale.sqr()?)?;
    (scaled - x_wide.broadcast_mul(&along)?)?.to_dtype(x.dtype())
}

/// `dw = sum over rows of g x / rms(x)`.
fn gradient_w(x: &Tensor, g: &Tensor, eps: f64) -> Result<Tensor> {
    let width = x.dim(D::Minus1)?;
    if !cpu::applies(&[x, g]) {
        let x_wide = cpu::wide(x)?;
        let normed = x_wide.broadcast_mul(&inverse_rms_composed(&x_wide, eps)?)?;
        return (normed * cpu::wide(g)?)?.reshape(((), width))?.sum(0)?.to_dtype(x.dtype());
    }
    let total = {
        let (x, g) = (cpu::values(x)?, cpu::values(g)?);
        let part = |(x, g): (&[f32], &[f32])| {
            let mut part = vec![0f32; width];
            for (x, g) in x.chunks(width).zip(g.chunks(width)) {
                let scale = inverse_rms(x, eps);
                for ((p, &x), &g) in part.iter_mut().zip(x).zip(g) {
                    *p += g * x * scale;
                }
            }
            part
        };
        let parts: Vec<Vec<f32>> = x.par_chunks(width * ROWS).zip(g.par_chunks(width * ROWS)).map(part).collect();
        let mut total = vec![0f32; width];
        for part in parts {
            total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
        }
        total
    };
    Tensor::from_vec(total, width, x.device())
}

fn inverse_rms(x: &[f32], eps: f64) -> f32 {
    1.0 / (cpu::sum(x, |x| x * x) / x.len() as f32 + eps as f32).sqrt()
}

fn inverse_rms_composed(x: &Tensor, eps: f64) -> Result<Tensor> {
    (x.sqr()?.mean_keepdim(D::Minus1)? + eps)?.sqrt()?.recip()
}
