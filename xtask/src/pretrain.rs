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

use anyhow::{Context, Result};
use clap::Args;
use model::{Base, Compute, Decoder, LoadOptions, tensor::Device};
use units::{Nanos, Seconds};

use crate::tokenizer;
use checkpoint::Checkpoint;
use optimiser::Optimiser;
use rows::Rows;
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
    steps: 4_000,
    shards: 16,
    rows: 2,
    length: 256,
    peak: 3e-3,
    warmup: 100,
    floor: 0.02,
    decay: 0.05,
    clip: 1.0,
    report_weight: 0.3,
};

/// Steps between two lines of progress.
const TELL_EVERY: u64 = 25;
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
    let rows = Rows::new(tokenizer::load(&options.tokenizer)?, recipe.length, recipe.report_weight)?;
    let device = Device::Cpu;
    let mut decoder =
        Decoder::random(&shape::config()?, recipe.seed, &LoadOptions { device, compute: Compute::F32, base: Base::AsStored })?;
    let parameters = decoder.train_all()?;
    shape::calm_residuals(&parameters)?;
    let mut optimiser = Optimiser::new(&parameters, recipe.decay)?;
    let checkpoint = Checkpoint::new(&options.out)?;
    let mut done = if options.resume { checkpoint.load(&mut optimiser)? } else { 0 };
    let threads = options.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, NonZeroUsize::get), NonZeroUsize::get);
    let trainer = Trainer::new(decoder, parameters, rows, threads, recipe)?;
    println!("{} parameters, {threads} threads, from step {done} of {}", optimiser.len(), recipe.steps);

    let mut progress = Progress::new(began, done);
    while done < recipe.steps && !time_is_up(began, options.minutes) {
        let (loss, gradient) = trainer.gradient(done)?;
        trainer.wide().install(|| optimiser.step(done, recipe.rate(done), gradient, recipe.clip))?;
        done += 1;
        progress.add(done, loss);
        if done.is_multiple_of(JUDGE_EVERY) {
            println!("step {done}: held-out loss {:.4}", trainer.held_out_loss()?);
            checkpoint.save(&optimiser, done).context("writing the state")?;
        }
    }
    checkpoint.save(&optimiser, done).context("writing the state")?;
    adapt::full::save(trainer.decoder(), &options.out)?;
    tokenizer::copy(&options.tokenizer, &options.out)?;
    shape::write_generation_config(&options.out)?;
    println!("step {done} of {}: held-out loss {:.4}, model in {}", recipe.steps, trainer.held_out_loss()?, options.out.display());
    Ok(())
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
