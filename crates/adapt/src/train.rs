//! The training loop: gradients of batches summed to a step, steps to a learning-rate schedule.

mod gradients;

use model::{
    Decoder,
    ops::Draw,
    tensor::{Tensor, Var},
};
use plan::Lr;
use units::Tokens;

use crate::{
    AdamW, Error, LearningRate, Result,
    corpus::Batch,
    event::{Event, Observer, Step},
};

pub use gradients::Gradients;

/// How steps are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Learning rate and schedule.
    pub lr: Lr,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Largest norm of the whole gradient, if it is clipped.
    pub clip: Option<f64>,
    /// Whether the blocks are run again in the backward pass instead of being kept: less memory, more time, the same gradients.
    pub checkpointing: bool,
}

/// What a training did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Optimiser steps.
    pub steps: u64,
    /// Tokens processed, padding excluded.
    pub tokens: Tokens,
    /// Those of them that carried loss.
    pub loss_tokens: Tokens,
    /// Mean loss of the first step.
    pub first_loss: f64,
    /// Mean loss of the last step.
    pub last_loss: f64,
}

/// Trains `variables` of a model: each item of `steps` is the batches of one optimiser step, whose loss is the mean over all their
/// loss tokens, however they are divided. `total` steps are expected; the schedule ends there.
///
/// # Errors
/// [`Error::NotFinite`] when a loss or gradient is not a number (the variables are then as they were before that step); and when
/// there are no steps, a batch does not fit the model, or an operation fails.
pub fn train(
    model: &Decoder,
    variables: &[(String, Var)],
    draw: &Draw,
    steps: impl Iterator<Item = Vec<Batch>>,
    total: u64,
    settings: &Settings,
    observer: &dyn Observer,
) -> Result<Outcome> {
    let mut optimiser = AdamW::new(variables, settings.weight_decay, settings.clip)?;
    let rate = LearningRate::new(&settings.lr, total);
    let mut outcome: Option<Outcome> = None;
    let mut drawn = 0;
    for (index, batches) in steps.enumerate() {
        let step = index as u64 + 1;
        let (loss, gradients) = gradients(model, variables, (draw, &mut drawn), &batches, settings.checkpointing)?;
        finite("loss", step, loss)?;
        let learning_rate = rate.at(step - 1);
        let gradient_norm = optimiser.step(&gradients, learning_rate)?;
        finite("gradient norm", step, gradient_norm)?;
        let tokens = Tokens(batches.iter().map(Batch::tokens).sum());
        let loss_tokens = Tokens(batches.iter().map(Batch::loss_tokens).sum());
        let before = outcome.unwrap_or(Outcome { steps: 0, tokens: Tokens(0), loss_tokens: Tokens(0), first_loss: loss, last_loss: loss });
        outcome = Some(Outcome {
            steps: step,
            tokens: before.tokens + tokens,
            loss_tokens: before.loss_tokens + loss_tokens,
            first_loss: before.first_loss,
            last_loss: loss,
        });
        observer.event(&Event::Step(Step { number: step, steps: total, loss, gradient_norm, learning_rate, tokens, loss_tokens }));
    }
    outcome.ok_or_else(|| Error::Setting { name: "steps", value: "0".to_owned(), rule: "at least 1 is needed" })
}

/// Mean loss and gradient over the batches of a step.
fn gradients(
    model: &Decoder,
    variables: &[(String, Var)],
    (draw, drawn): (&Draw, &mut u64),
    batches: &[Batch],
    checkpointing: bool,
) -> Result<(f64, Vec<Option<Tensor>>)> {
    let total: f64 = batches.iter().map(Batch::weight).sum();
    let mut gradients = Gradients::new(model, variables, checkpointing);
    let mut loss = 0.0;
    for batch in batches {
        draw.set(*drawn);
        *drawn += 1;
        // A batch counts by its share of the step's loss tokens, so that accumulation changes nothing.
        let share = batch.weight() / total;
        if share > 0.0 {
            loss += share * gradients.add(batch, share)?;
        }
    }
    Ok((loss, gradients.finish()?))
}

fn finite(what: &'static str, step: u64, value: f64) -> Result<()> {
    if value.is_finite() { Ok(()) } else { Err(Error::NotFinite { what, step, value }) }
}
