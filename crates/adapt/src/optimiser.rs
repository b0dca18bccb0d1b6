//! `AdamW` over named variables, with optional clipping of the gradient's norm.

use model::{
    ops,
    tensor::{DType, Tensor, Var},
};

use crate::Result;

/// Running means of a set of variables. `betas` 0.9 and 0.999, `eps` 1e-8: the defaults of `torch.optim.AdamW`.
#[derive(Debug)]
pub struct AdamW {
    variables: Vec<Variable>,
    weight_decay: f64,
    clip: Option<f64>,
    step: u64,
}

#[derive(Debug)]
struct Variable {
    var: Var,
    means: [Tensor; 2],
}

/// Decay rates of the running means of the gradient and of its square.
const BETAS: (f64, f64) = (0.9, 0.999);
/// Keeps the division finite.
const EPS: f64 = 1e-8;

impl AdamW {
    /// An optimiser of these variables. `clip` is the largest norm of the whole gradient, if there is one.
    ///
    /// # Errors
    /// When the memory for the means cannot be had.
    pub fn new(variables: &[(String, Var)], weight_decay: f64, clip: Option<f64>) -> Result<Self> {
        let variable = |(_, var): &(String, Var)| Ok(Variable { var: var.clone(), means: [var.zeros_like()?, var.zeros_like()?] });
        Ok(Self { variables: variables.iter().map(variable).collect::<Result<_>>()?, weight_decay, clip, step: 0 })
    }

    /// Moves every variable that has a gradient by one step, and gives the norm of the gradient before clipping. When that norm is
    /// not finite nothing is moved.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn step(&mut self, gradients: &[Option<Tensor>], learning_rate: f64) -> Result<f64> {
        let norm = norm(gradients)?;
        if !norm.is_finite() {
            return Ok(norm);
        }
        self.step += 1;
        // The small term is torch.nn.utils.clip_grad_norm_'s.
        let gradient_scale = self.clip.map_or(1.0, |clip| (clip / (norm + 1e-6)).min(1.0));
        let weight_decay = self.weight_decay;
        let step = ops::AdamW { learning_rate, betas: BETAS, eps: EPS, weight_decay, step: self.step, gradient_scale };
        for (variable, gradient) in self.variables.iter().zip(gradients) {
            if let Some(gradient) = gradient {
                let [m, v] = &variable.means;
                ops::adamw(&variable.var, [m, v], gradient, &step)?;
            }
        }
        Ok(norm)
    }
}

/// Euclidean norm of all gradients together.
fn norm(gradients: &[Option<Tensor>]) -> Result<f64> {
    let mut sum = 0f64;
    for gradient in gradients.iter().flatten() {
        sum += gradient.sqr()?.sum_all()?.to_dtype(DType::F64)?.to_scalar::<f64>()?;
    }
    Ok(sum.sqrt())
}
