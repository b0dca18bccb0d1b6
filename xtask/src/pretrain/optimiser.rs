//! The weights with their running means, moved by `model`'s `AdamW`. Matrices decay, vectors do not.

use anyhow::Result;
use model::{
    ops,
    tensor::{Device, Tensor, Var},
};

/// Decay rates of the running means. The second is below the usual 0.999, for short training.
const BETAS: (f64, f64) = (0.9, 0.98);
/// Added to the root of the second mean.
const EPSILON: f64 = 1e-8;

/// One parameter.
#[derive(Debug)]
pub(super) struct Slot {
    /// Hugging Face name.
    pub(super) name: String,
    /// The weights; the model reads this variable.
    pub(super) var: Var,
    /// Running mean of the gradient.
    pub(super) first: Tensor,
    /// Running mean of its square.
    pub(super) second: Tensor,
}

/// All parameters, in the model's order.
#[derive(Debug)]
pub(super) struct Optimiser {
    pub(super) slots: Vec<Slot>,
    decay: f64,
}

impl Optimiser {
    /// Running means start at zero.
    pub(super) fn new(parameters: &[(String, Var)], decay: f64) -> Result<Self> {
        let slot = |(name, var): &(String, Var)| {
            Ok(Slot { name: name.clone(), var: var.clone(), first: var.zeros_like()?, second: var.zeros_like()? })
        };
        Ok(Self { slots: parameters.iter().map(slot).collect::<Result<_>>()?, decay })
    }

    /// Step number `done` (from 0) at this learning rate, the gradient cut to length `clip`. One vector a parameter.
    pub(super) fn step(&self, done: u64, learning_rate: f64, gradient: Vec<Vec<f32>>, clip: f64) -> Result<()> {
        let length = gradient.iter().flatten().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        let gradient_scale = if length > clip { clip / length } else { 1.0 };
        for (slot, gradient) in self.slots.iter().zip(gradient) {
            let weight_decay = if slot.var.rank() > 1 { self.decay } else { 0.0 };
            let step = ops::AdamW { learning_rate, betas: BETAS, eps: EPSILON, weight_decay, step: done + 1, gradient_scale };
            let gradient = Tensor::from_vec(gradient, slot.var.shape(), &Device::Cpu)?;
            ops::adamw(&slot.var, [&slot.first, &slot.second], &gradient, &step)?;
        }
        Ok(())
    }
}
