//! One step of `AdamW` (Loshchilov and Hutter 2019, arXiv 1711.05101), in place, with the arithmetic of `torch.optim.AdamW`.

use candle_core::{Result, Tensor, Var};
use rayon::prelude::*;

use super::{add::update, cpu};

/// Elements updated by one task.
const CHUNK: usize = 1 << 13;

/// The numbers of one step, the same for all variables.
#[derive(Clone, Copy, Debug)]
pub struct AdamW {
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Decay rates of the two running means.
    pub betas: (f64, f64),
    /// Added to the root of the second mean.
    pub eps: f64,
    /// Decoupled: a step takes `learning_rate * weight_decay` of the variable away.
    pub weight_decay: f64,
    /// Number of this step, from 1, for the correction of the running means' bias.
    pub step: u64,
    /// Multiplies the gradient (clipping).
    pub gradient_scale: f64,
}

/// Moves a variable along its gradient, and its two running means (of its shape and type, zero at first) with it.
///
/// # Errors
/// When shapes, types or devices differ.
pub fn adamw(var: &Var, means: [&Tensor; 2], gradient: &Tensor, step: &AdamW) -> Result<()> {
    let [m, v] = means;
    if [m, v, gradient].iter().any(|t| t.shape() != var.shape()) {
        candle_core::bail!("a gradient of shape {:?} for a variable of shape {:?}", gradient.shape(), var.shape());
    }
    if !cpu::applies(&[var, m, v, gradient]) {
        return composed(var, m, v, gradient, step);
    }
    let gradient = gradient.contiguous()?;
    let gradient = cpu::values(&gradient)?;
    let factors = Factors::new(step);
    update_both(m, v, |m, v| {
        update(var, |p| {
            let means = m.par_chunks_mut(CHUNK).zip(v.par_chunks_mut(CHUNK));
            let all = p.par_chunks_mut(CHUNK).zip(means).zip(gradient.par_chunks(CHUNK));
            all.for_each(|((p, (m, v)), g)| factors.apply(p, m, v, g));
        })
    })
}

/// Changes two tensors in place at once.
fn update_both(a: &Tensor, b: &Tensor, f: impl FnOnce(&mut [f32], &mut [f32]) -> Result<()>) -> Result<()> {
    let mut inner = Ok(());
    update(a, |a| {
        let mut innermost = Ok(());
        inner = update(b, |b| innermost = f(a, b)).and(innermost);
    })?;
    inner
}

/// The step's numbers as the kernel uses them.
struct Factors {
    keep: f32,
    betas: (f32, f32),
    step_size: f32,
    root_scale: f32,
    eps: f32,
    gradient_scale: f32,
}

impl Factors {
    fn new(step: &AdamW) -> Self {
        let (first, second) = bias_corrections(step);
        Self {
            keep: (1.0 - step.learning_rate * step.weight_decay) as f32,
            betas: (step.betas.0 as f32, step.betas.1 as f32),
            step_size: (step.learning_rate / first) as f32,
            root_scale: (1.0 / second.sqrt()) as f32,
            eps: step.eps as f32,
            gradient_scale: step.gradient_scale as f32,
        }
    }

    fn apply(&self, p: &mut [f32], m: &mut [f32], v: &mut [f32], g: &[f32]) {
        let (b1, b2) = self.betas;
        for (((p, m), v), &g) in p.iter_mut().zip(m).zip(v).zip(g) {
            let g = g * self.gradient_scale;
            *m += (g - *m) * (1.0 - b1);
            *v = *v * b2 + g * g * (1.0 - b2);
            *p = *p * self.keep - self.step_size * *m / (v.sqrt() * self.root_scale + self.eps);
        }
    }
}

/// `1 - beta^step` of both means.
fn bias_corrections(step: &AdamW) -> (f64, f64) {
    let correction = |beta: f64| 1.0 - beta.powf(step.step as f64);
    (correction(step.betas.0), correction(step.betas.1))
}

fn composed(var: &Var, m: &Tensor, v: &Tensor, gradient: &Tensor, step: &AdamW) -> Result<()> {
    let (b1, b2) = step.betas;
    let (first, second) = bias_corrections(step);
    let g = (gradient.detach() * step.gradient_scale)?;
    let next_m = ((m * b1)? + (&g * (1.0 - b1))?)?;
    let next_v = ((v * b2)? + (g.sqr()? * (1.0 - b2))?)?;
    let root = ((next_v.sqrt()? / second.sqrt())? + step.eps)?;
    let kept = (var.as_detached_tensor() * (1.0 - step.learning_rate * step.weight_decay))?;
    let next = (kept - (next_m.div(&root)? * (step.learning_rate / first))?)?;
    m.slice_set(&next_m, 0, 0)?;
    v.slice_set(&next_v, 0, 0)?;
    var.set(&next)
}
