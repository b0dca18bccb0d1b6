//! Trains the quickstart's model from nothing: every parameter, with `model`'s differentiable operations, on documents drawn as needed.
//!
//! A step is cut into a fixed number of shards, each run by one thread and summed in a fixed order, so that the weights depend on the
//! recipe alone and not on the number of cores. The state is written when the time is up, and the next call goes on from there.
//! Not an adaptation: that is `adapt`'s business, and the product's.

mod checkpoint;
mod optimiser;
mod rows;
mod shape;
mod step;

use std::{num::NonZeroUsize, path::PathBuf};

use anyhow::Result;
use clap::Args;
use units::{Nanos, Seconds};

use crate::tokenizer;
use checkpoint::Checkpoint;
use step::Trainer;

/// The recipe: every number that decides what the model becomes.
#[derive(Clone, Copy, Debug)]
struct Recipe {
    /// Of the first weights and of all documents.
    seed: u64,
    /// Optimiser steps.
    steps: u64,
    /// Parts of a step; fixed, whatever the number of cores.
    shards: usize,
    /// Rows of a shard.
    rows: usize,
    /// Tokens of a row.
    length: usize,
    /// Highest learning rate.
    peak: f64,
    /// Steps spent rising to it.
    warmup: u64,
    /// Where the half cosine ends, as a share of the peak.
    floor: f64,
    /// Weight decay of the matrices.
    decay: f64,
    /// Longest gradient.
    clip: f64,
    /// Weight of a report's own tokens in the loss; all others count 1.
    report_weight: f32,
}

const RECIPE: Recipe = Recipe {
    seed: 1_000,
    steps: 10_000,
    shards: 16,
    rows: 1,
    length: 256,
    peak: 3e-3,
    warmup: 100,
    floor: 0.02,
    decay: 0.05,
    clip: 1.0,
    report_weight: 0.2,
};

/// Steps between two lines of progress.
const TELL_EVERY: u64 = 50;
/// Steps between two looks at the held-out loss; the state is written then, too.
const JUDGE_EVERY: u64 = 250;

/// Where to train and for how long.
#[derive(Args)]
pub(crate) struct Options {
    /// Folder for the state and the model.
    #[arg(long)]
    out: PathBuf,
    /// Go on from the state in the folder; without it, training starts anew.
    #[arg(long)]
    resume: bool,
    /// Stop after this many minutes, with the state written.
    #[arg(long)]
    minutes: Option<f64>,
    /// Threads; all cores when absent. The result does not depend on it.
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Where the tokenizer lies.
    #[arg(long, default_value = "crates/edge-eval/quickstart/model")]
    tokenizer: PathBuf,
    /// Steps of a shorter schedule, for a trial of the recipe.
    #[arg(long)]
    steps: Option<u64>,
}

/// Trains until the recipe is done or the time is up, and writes state and model.
///
/// # Errors
/// A file cannot be read or written, or an operation fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    let began = record::clock::now();
    let recipe = Recipe { steps: options.steps.unwrap_or(RECIPE.steps), ..RECIPE };
    let threads = options.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, NonZeroUsize::get), NonZeroUsize::get);
    let mut trainer = Trainer::new(recipe, tokenizer::load(&options.tokenizer)?, threads)?;
    let checkpoint = Checkpoint::new(&options.out)?;
    if options.resume {
        trainer.resume(&checkpoint)?;
    }
    println!("{} parameters, {threads} threads, from step {} of {}", trainer.decoder().config().parameters(), trainer.done(), recipe.steps);
    let mut progress = Progress::new(began, trainer.done());
    while trainer.done() < recipe.steps && !time_is_up(began, options.minutes) {
        let loss = trainer.step()?;
        progress.add(trainer.done(), loss);
        if trainer.done().is_multiple_of(JUDGE_EVERY) {
            judge(&trainer)?;
            trainer.save(&checkpoint)?;
        }
    }
    trainer.save(&checkpoint)?;
    write_model(&trainer, options)?;
    judge(&trainer)?;
    println!("step {} of {}, model in {}", trainer.done(), recipe.steps, options.out.display());
    Ok(())
}

/// The model with everything that belongs beside it.
fn write_model(trainer: &Trainer, options: &Options) -> Result<()> {
    adapt::full::save(trainer.decoder(), &options.out)?;
    shape::write_generation_config(&options.out)?;
    tokenizer::copy(&options.tokenizer, &options.out)
}

impl Recipe {
    /// Learning rate of a step: a straight rise, then half a cosine.
    fn rate(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.peak * (step + 1) as f64 / self.warmup as f64;
        }
        let share = (step - self.warmup) as f64 / self.steps.saturating_sub(self.warmup).max(1) as f64;
        let cosine = f64::midpoint(1.0, (std::f64::consts::PI * share).cos());
        self.peak * (self.floor + (1.0 - self.floor) * cosine)
    }
}

/// Prints the held-out loss of each format.
fn judge(trainer: &Trainer) -> Result<()> {
    let losses: Vec<_> = trainer.held_out_losses()?.iter().map(|(name, loss)| format!("{name} {loss:.3}")).collect();
    println!("step {}: held-out {}", trainer.done(), losses.join(", "));
    Ok(())
}

fn time_is_up(began: Nanos, minutes: Option<f64>) -> bool {
    minutes.is_some_and(|minutes| record::clock::now().since(began) >= Seconds(minutes * 60.0))
}

/// Says now and then how training goes.
struct Progress {
    since: Nanos,
    first: u64,
    losses: Vec<f64>,
}

impl Progress {
    fn new(since: Nanos, first: u64) -> Self {
        Self { since, first, losses: Vec::new() }
    }

    fn add(&mut self, done: u64, loss: f64) {
        self.losses.push(loss);
        if !done.is_multiple_of(TELL_EVERY) {
            return;
        }
        let now = record::clock::now();
        let tokens = (done - self.first) * (RECIPE.shards * RECIPE.rows * RECIPE.length) as u64;
        let rate_per_s = tokens as f64 / now.since(self.since).get();
        let mean = self.losses.iter().sum::<f64>() / self.losses.len() as f64;
        println!("step {done}: loss {mean:.4}, {rate_per_s:.0} tokens/s");
        *self = Self::new(now, done);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_then_falls_to_its_floor() {
        let rate = |step| RECIPE.rate(step);
        assert!(rate(0) < rate(50) && rate(50) < rate(RECIPE.warmup));
        assert!((rate(RECIPE.warmup) - RECIPE.peak).abs() < 1e-9);
        assert!((rate(RECIPE.steps) - RECIPE.peak * RECIPE.floor).abs() < 1e-9);
    }
}
