//! Layer normalisation (Ba et al. 2016, arXiv 1607.06450), together with the sum that goes before it.

use candle_core::{D, Tensor};

use crate::Result;
use crate::ops::{cpu, update};

#[derive(Debug)]
pub(super) struct Norm {
    /// `[d]`.
    pub(super) weight: Tensor,
    /// `[d]`.
    pub(super) bias: Tensor,
    pub(super) eps: f64,
}

impl Norm {
    /// Of a fresh `x [rows, d]`, which is overwritten where that can be.
    pub(super) fn forward(&self, x: Tensor) -> Result<Tensor> {
        if !cpu::applies(&[&x, &self.weight, &self.bias]) {
            return self.composed(&x);
        }
        let (weight, bias) = (cpu::values(&self.weight)?, cpu::values(&self.bias)?);
        let (weight, bias): (&[f32], &[f32]) = (&weight, &bias);
        update(&x, |x| cpu::for_rows(x, weight.len(), |_, row| normalise(row, weight, bias, self.eps as f32)))?;
        Ok(x)
    }

    /// Of `x + (y + y_bias)`: `x [rows, d]`, a fresh `y` of that shape, which is overwritten where that can be, and `y_bias [d]`.
    pub(super) fn of_sum(&self, x: &Tensor, y: Tensor, y_bias: &Tensor) -> Result<Tensor> {
        if !cpu::applies(&[x, &y, y_bias, &self.weight, &self.bias]) {
            return self.composed(&(x + y.broadcast_add(y_bias)?)?);
        }
        let x = x.contiguous()?;
        let (x, y_bias, weight, bias) = (cpu::values(&x)?, cpu::values(y_bias)?, cpu::values(&self.weight)?, cpu::values(&self.bias)?);
        let (x, y_bias, weight, bias): (&[f32], &[f32], &[f32], &[f32]) = (&x, &y_bias, &weight, &bias);
        let width = weight.len();
        update(&y, |y| {
            cpu::for_rows(y, width, |i, row| {
                for ((y, x), y_bias) in row.iter_mut().zip(&x[i * width..]).zip(y_bias) {
                    *y = x + (*y + y_bias);
                }
                normalise(row, weight, bias, self.eps as f32);
            });
        })?;
        Ok(y)
    }

    fn composed(&self, x: &Tensor) -> Result<Tensor> {
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let normed = centred.broadcast_div(&(variance + self.eps)?.sqrt()?)?;
        Ok(normed.broadcast_mul(&self.weight)?.broadcast_add(&self.bias)?)
    }
}

fn normalise(row: &mut [f32], weight: &[f32], bias: &[f32], eps: f32) {
    let share = 1.0 / row.len() as f32;
    let mean = cpu::sum(row, |x| x) * share;
    let variance = cpu::sum(row, |x| (x - mean) * (x - mean)) * share;
    let scale = 1.0 / (variance + eps).sqrt();
    for ((x, weight), bias) in row.iter_mut().zip(weight).zip(bias) {
        *x = cpu::fma((*x - mean) * scale, *weight, *bias);
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_kernel_is_the_composed_operation() {
        let wave = |shape: &[usize], step: usize| {
            let count = shape.iter().product();
            let values: Vec<f32> = (0..count).map(|i: usize| ((i * step % 89) as f32 - 40.0) / 20.0).collect();
            Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
        };
        let (x, y, y_bias) = (wave(&[7, 50], 29), wave(&[7, 50], 31), wave(&[50], 53));
        let norm = Norm { weight: wave(&[50], 11), bias: wave(&[50], 17), eps: 1e-7 };
        let sum = (&x + y.broadcast_add(&y_bias).unwrap()).unwrap();
        for (got, of) in [(norm.forward(x.copy().unwrap()), &x), (norm.of_sum(&x, y.copy().unwrap(), &y_bias), &sum)] {
            let off = (got.unwrap() - norm.composed(of).unwrap()).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            assert!(off.to_scalar::<f32>().unwrap() < 2e-6, "{off}");
        }
    }
}
