//! A decoder on a GPU: weights in 16 bits as they are stored, activations and sums in f32.
//!
//! The same model as `model::Decoder`, whose logits it is compared with. Not here: training, quantised weights, batches.

mod prompt;
mod sequence;
mod weights;

use std::path::Path;
use std::rc::Rc;

use model::Config;

pub use sequence::Sequence;

use crate::kernels::{Half, Kernels, Shape, Tuning};
use crate::matmul::Matmul;
use crate::{Buffer, Gpu, Result};
use weights::Weights;

/// A model on a GPU. Clones are the same model.
#[derive(Clone, Debug)]
pub struct Decoder(Rc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Config,
    kernels: Kernels,
    matmul: Matmul,
    weights: Weights,
}

impl Decoder {
    /// Loads a Hugging Face folder. 16-bit weights stay what they are; f32 ones are rounded to bf16.
    ///
    /// # Errors
    /// When the folder is no model, has a shape without kernels, or does not fit.
    pub fn load(gpu: &Gpu, folder: &Path, tuning: Tuning) -> Result<Self> {
        let config = Config::from_folder(folder)?;
        let files = weights::Files::open(folder)?;
        let half = files.half()?;
        let kernels = Kernels::new(gpu, Shape::of(&config, half)?, tuning)?;
        let weights = Weights::load(&config, &mut |name, shape| files.read(gpu, half, name, shape))?;
        Self::of(config, kernels, weights)
    }

    /// A model of this shape with random weights, drawn on the GPU: matrices uniform with variance 1 / width, norms one, biases zero.
    ///
    /// # Errors
    /// When the shape has no kernels, or does not fit.
    pub fn random(gpu: &Gpu, config: &Config, half: Half, seed: u32, tuning: Tuning) -> Result<Self> {
        let kernels = Kernels::new(gpu, Shape::of(config, half)?, tuning)?;
        let mut number = seed;
        let weights = Weights::load(config, &mut |name, shape| {
            let mut buffer = Buffer::new(gpu, shape.iter().product())?;
            number = number.wrapping_add(0x9e37_79b9);
            match shape {
                [_] => kernels.fill_with(&mut buffer, if name.ends_with("bias") { 0.0 } else { 1.0 })?,
                _ => kernels.fill_drawn(&mut buffer, number, (3.0 / shape[1] as f32).sqrt())?,
            }
            Ok(buffer)
        })?;
        Self::of(config.clone(), kernels, weights)
    }

    fn of(config: Config, kernels: Kernels, weights: Weights) -> Result<Self> {
        let matmul = Matmul::new(kernels.gpu(), kernels.half())?;
        Ok(Self(Rc::new(Inner { config, kernels, matmul, weights })))
    }

    /// The model's shape and constants.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The GPU that it lies on.
    pub fn gpu(&self) -> &Gpu {
        self.0.kernels.gpu()
    }

    /// What 16-bit values are.
    pub fn half(&self) -> Half {
        self.0.kernels.half()
    }

    /// Bytes of its weights.
    pub fn weight_bytes(&self) -> u64 {
        self.0.weights.bytes()
    }

    /// A sequence with room for `capacity` tokens, prompt and answer together.
    ///
    /// # Errors
    /// When the GPU has no room for its cache.
    pub fn open(&self, capacity: usize) -> Result<Sequence> {
        Sequence::new(self.clone(), capacity)
    }
}
