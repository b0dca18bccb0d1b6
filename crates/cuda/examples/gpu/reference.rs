//! Plain references in f64, and inputs drawn from a seed.

use cuda::kernels::Half;
use half::{bf16, f16};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Draws inputs.
pub(crate) struct Draw {
    rng: ChaCha8Rng,
    half: Half,
}

impl Draw {
    pub(crate) fn new(seed: u64, half: Half) -> Self {
        Self { rng: ChaCha8Rng::seed_from_u64(seed), half }
    }

    pub(crate) fn wide(&mut self, count: usize, bound: f32) -> Vec<f32> {
        (0..count).map(|_| (self.rng.random::<f32>() * 2.0 - 1.0) * bound).collect()
    }

    /// 16-bit values, as bits.
    pub(crate) fn narrow(&mut self, count: usize, bound: f32) -> Vec<u16> {
        let values = self.wide(count, bound);
        values.into_iter().map(|value| narrow(self.half, value)).collect()
    }

    pub(crate) fn ids(&mut self, count: usize, below: usize) -> Vec<i32> {
        (0..count).map(|_| self.rng.random_range(0..below) as i32).collect()
    }
}

pub(crate) fn narrow(half: Half, value: f32) -> u16 {
    match half {
        Half::Bf16 => bf16::from_f32(value).to_bits(),
        Half::F16 => f16::from_f32(value).to_bits(),
    }
}

pub(crate) fn widen(half: Half, bits: u16) -> f64 {
    match half {
        Half::Bf16 => bf16::from_bits(bits).to_f64(),
        Half::F16 => f16::from_bits(bits).to_f64(),
    }
}

pub(crate) fn widened(half: Half, bits: &[u16]) -> Vec<f64> {
    bits.iter().map(|bits| widen(half, *bits)).collect()
}

pub(crate) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(*value)).collect()
}

/// ‖got − expected‖ / ‖expected‖; NaN when any value is.
pub(crate) fn error(got: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len());
    let difference: f64 = got.iter().zip(expected).map(|(g, e)| (g - e) * (g - e)).sum();
    let norm: f64 = expected.iter().map(|e| e * e).sum();
    (difference / norm.max(f64::MIN_POSITIVE)).sqrt()
}

/// `W x + bias` for W of `[rows, columns]`.
pub(crate) fn product(weight: &[f64], x: &[f64], bias: Option<&[f64]>) -> Vec<f64> {
    let rows = weight.chunks_exact(x.len()).map(|row| row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>());
    match bias {
        Some(bias) => rows.zip(bias).map(|(y, b)| y + b).collect(),
        None => rows.collect(),
    }
}

pub(crate) fn norm(x: &[f64], gain: &[f64], epsilon: f64) -> Vec<f64> {
    let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
    x.iter().zip(gain).map(|(x, g)| x / (mean + epsilon).sqrt() * g).collect()
}

pub(crate) fn swiglu(gates_and_ups: &[f64]) -> Vec<f64> {
    let (gates, ups) = gates_and_ups.split_at(gates_and_ups.len() / 2);
    gates.iter().zip(ups).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect()
}

/// Turns a head by the angles of a position: halves paired.
pub(crate) fn turn(head: &[f64], cos: &[f64], sin: &[f64]) -> Vec<f64> {
    let (low, high) = head.split_at(head.len() / 2);
    let first = (0..low.len()).map(|i| low[i] * cos[i] - high[i] * sin[i]);
    first.chain((0..low.len()).map(|i| high[i] * cos[i] + low[i] * sin[i])).collect()
}

/// Softmax of `q · k / √d` over rows, and the values so weighted.
pub(crate) fn attend(q: &[f64], keys: &[Vec<f64>], values: &[Vec<f64>]) -> Vec<f64> {
    let scale = (q.len() as f64).sqrt();
    let scores: Vec<f64> = keys.iter().map(|k| k.iter().zip(q).map(|(k, q)| k * q).sum::<f64>() / scale).collect();
    let top = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = scores.iter().map(|s| (s - top).exp()).collect();
    let sum: f64 = weights.iter().sum();
    (0..q.len()).map(|i| weights.iter().zip(values).map(|(w, v)| w * v[i]).sum::<f64>() / sum).collect()
}
