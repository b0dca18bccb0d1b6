//! The functions between layers, together with the bias that goes before them.

use candle_core::Tensor;

use crate::ops::{cpu, update};
use crate::{Error, Result};

/// A function of each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// The value itself.
    None,
    /// `x Φ(x)` by the error function (Hendrycks and Gimpel 2016, arXiv 1606.08415).
    Gelu,
    /// The same by their approximation with tanh.
    GeluTanh,
    /// The positive part.
    Relu,
    /// Hyperbolic tangent.
    Tanh,
}

impl Activation {
    /// By the word that `config.json` has for it under `key`.
    pub(super) fn named(key: &str, word: &str) -> Result<Self> {
        Ok(match word {
            "gelu" => Self::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" => Self::GeluTanh,
            "relu" => Self::Relu,
            "tanh" => Self::Tanh,
            _ => {
                let supported = "gelu, gelu_new, gelu_pytorch_tanh, relu, tanh".to_owned();
                return Err(Error::UnsupportedConfig { key: key.to_owned(), value: word.to_owned(), supported });
            }
        })
    }

    fn composed(self, x: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::None => Ok(x.clone()),
            Self::Gelu => x.gelu_erf(),
            Self::GeluTanh => x.gelu(),
            Self::Relu => x.relu(),
            Self::Tanh => x.tanh(),
        }
    }
}

/// `f(x + bias)` for a fresh `x [rows, n]`, written in place where that can be.
pub(super) fn biased(x: Tensor, bias: &Tensor, f: Activation) -> Result<Tensor> {
    if !cpu::applies(&[&x, bias]) {
        return Ok(f.composed(&x.broadcast_add(bias)?)?);
    }
    match f {
        Activation::None => in_place(&x, bias, |x| x)?,
        Activation::Gelu => in_place(&x, bias, gelu)?,
        Activation::GeluTanh => in_place(&x, bias, gelu_tanh)?,
        Activation::Relu => in_place(&x, bias, |x| x.max(0.0))?,
        Activation::Tanh => in_place(&x, bias, f32::tanh)?,
    }
    Ok(x)
}

fn in_place(x: &Tensor, bias: &Tensor, f: impl Fn(f32) -> f32 + Sync) -> Result<()> {
    let bias = cpu::values(bias)?;
    let bias: &[f32] = &bias;
    Ok(update(x, |x| {
        cpu::for_rows(x, bias.len(), |_, row| {
            for (x, bias) in row.iter_mut().zip(bias) {
                *x = f(*x + bias);
            }
        });
    })?)
}

#[inline]
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

#[inline]
fn gelu_tanh(x: f32) -> f32 {
    // 2 / (1 + e^-2u) is 1 + tanh(u).
    let u = 0.797_884_6 * x * cpu::fma(0.044_715, x * x, 1.0);
    x * cpu::sigmoid(2.0 * u)
}

/// The error function, to 4e-7: the rational approximation of Eigen (`generic_fast_erf_float`), plain arithmetic that vectorises.
#[inline]
fn erf(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let s = x * x;
    let p = cpu::fma(s, -2.726_142_3e-10, 2.770_681_4e-8);
    let p = cpu::fma(s, p, -2.101_024e-6);
    let p = cpu::fma(s, p, -5.692_506_4e-5);
    let p = cpu::fma(s, p, -7.349_906e-4);
    let p = cpu::fma(s, p, -2.954_6e-3);
    let p = cpu::fma(s, p, -1.609_603_3e-2);
    let q = cpu::fma(s, -1.456_607_2e-5, -2.133_740_6e-4);
    let q = cpu::fma(s, q, -1.682_827e-3);
    let q = cpu::fma(s, q, -7.373_329_3e-3);
    let q = cpu::fma(s, q, -1.426_473_9e-2);
    x * p / q
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// By its series, whose terms are all positive.
    fn exact_erf(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        sum * 2.0 / std::f64::consts::PI.sqrt() * (-x * x).exp()
    }

    #[test]
    fn the_error_function_is_right_everywhere() {
        let worst =
            (-6000..6000).map(|i| f64::from(i) / 1000.0).map(|x| (f64::from(erf(x as f32)) - exact_erf(x)).abs()).fold(0.0, f64::max);
        assert!(worst < 4e-7, "{worst:e}");
        assert!(erf(f32::NAN).is_nan());
    }

    #[test]
    fn the_kernels_are_the_composed_operations() {
        let x: Vec<f32> = (0..4000).map(|i| (i as f32 - 2000.0) / 300.0).collect();
        let x = Tensor::from_vec(x, (40, 100), &Device::Cpu).unwrap();
        let bias = Tensor::arange(0f32, 100.0, &Device::Cpu).unwrap().affine(0.01, -0.5).unwrap();
        for f in [Activation::None, Activation::Gelu, Activation::GeluTanh, Activation::Relu, Activation::Tanh] {
            let got = biased(x.copy().unwrap(), &bias, f).unwrap();
            let expected = f.composed(&x.broadcast_add(&bias).unwrap()).unwrap();
            let off = (got - expected).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
            assert!(off < 2e-6, "{f:?}: {off:e}");
        }
    }
}
