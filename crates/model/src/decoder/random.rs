//! Random weights of a true shape: for speed, memory and energy, where what the model says does not matter.

use candle_core::{DType, Device, Tensor};
use half::f16;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::load::{Source, Weight};
use crate::{Compute, Config, Decoder, LoadOptions, Result};

impl Decoder {
    /// A model of this shape with random weights: matrices uniform with variance 1 / width, norms one, biases zero. The same seed
    /// gives the same weights. [`super::Base::Quantised`] gives them in a quantised format, one tensor at a time.
    ///
    /// # Errors
    /// When the configuration makes no sense or an operation fails.
    pub fn random(config: &Config, seed: u64, options: &LoadOptions) -> Result<Self> {
        config.check()?;
        let source = Random::new(seed, &options.device);
        Self::build(config.clone(), &source, options)
    }
}

/// Weights of any name and shape, drawn from a seed and the name.
pub(crate) struct Random {
    seed: u64,
    device: Device,
}

/// Values drawn from one stream of the generator; fixed, so that the number of threads changes nothing.
const CHUNK: usize = 1 << 16;

impl Source for Random {
    fn weight(&self, name: &str, shape: &[usize], compute: Compute) -> Result<Option<Weight>> {
        let tensor = match shape {
            [n] if is_bias(name) => Tensor::zeros(*n, DType::F32, &self.device)?,
            [n] => Tensor::ones(*n, DType::F32, &self.device)?,
            _ => self.matrix(name, shape, compute)?,
        };
        Ok(Some(Weight::Dense(tensor)))
    }
}

impl Random {
    pub(crate) fn new(seed: u64, device: &Device) -> Self {
        Self { seed, device: device.clone() }
    }

    fn matrix(&self, name: &str, shape: &[usize], compute: Compute) -> Result<Tensor> {
        let width = shape.last().copied().unwrap_or(1);
        let bound = (3.0 / width as f32).sqrt();
        let count = shape.iter().product();
        crate::device::check_room("weights", count as u128 * 4)?;
        let seed = self.seed ^ fnv1a(name);
        if compute == Compute::F16 {
            let values = uniform(seed, count, |x| f16::from_f32(x * bound));
            return Ok(Tensor::from_vec(values, shape, &self.device)?);
        }
        Ok(Tensor::from_vec(uniform(seed, count, |x| x * bound), shape, &self.device)?)
    }
}

fn is_bias(name: &str) -> bool {
    name.rsplit('.').next() == Some("bias")
}

/// `count` values from -1 to 1, each passed through `f`.
fn uniform<T: Copy + Default + Send>(seed: u64, count: usize, f: impl Fn(f32) -> T + Sync) -> Vec<T> {
    let mut values = vec![T::default(); count];
    values.par_chunks_mut(CHUNK).enumerate().for_each(|(stream, chunk)| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream as u64);
        for value in chunk {
            *value = f(rng.random::<f32>() * 2.0 - 1.0);
        }
    });
    values
}

/// 64-bit FNV-1a: a fixed number for a name.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}
