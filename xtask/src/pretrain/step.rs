//! The gradient of one step: shards on threads of their own, summed in a fixed order.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use adapt::{corpus::Batch, train::Gradients};
use anyhow::{Context, Result, anyhow};
use model::{
    Base, Compute, Decoder, LoadOptions, ops,
    tensor::{Device, Tensor, Var},
};
use rayon::{ThreadPool, ThreadPoolBuilder, prelude::*};
use tokenizers::Tokenizer;

use super::{Recipe, checkpoint::Checkpoint, optimiser::Optimiser, rows::Rows, shape};

/// Held-out documents of each format.
const JUDGED_DOCUMENTS: usize = 16;

/// Loss and gradient, one vector a parameter.
type Gradient = (f64, Vec<Vec<f32>>);

/// The model in training: its weights, the optimiser's state, and the threads that work on it.
pub(super) struct Trainer {
    recipe: Recipe,
    done: u64,
    decoder: Decoder,
    parameters: Vec<(String, Var)>,
    optimiser: Optimiser,
    rows: Rows,
    /// One thread each: a shard's own operations must not spread over the other shards' threads.
    pools: Vec<ThreadPool>,
    /// All threads together, for what lies between the shards.
    wide: ThreadPool,
}

impl Trainer {
    /// The recipe's first weights, no step done. Threads beyond the number of shards would idle and are not started.
    pub(super) fn new(recipe: Recipe, tokenizer: Tokenizer, threads: usize) -> Result<Self> {
        let options = LoadOptions { device: Device::Cpu, compute: Compute::F32, base: Base::AsStored };
        let mut decoder = Decoder::random(&shape::config()?, recipe.seed, &options)?;
        let parameters = decoder.train_all()?;
        shape::calm_residuals(&parameters)?;
        let optimiser = Optimiser::new(&parameters, recipe.decay)?;
        let rows = Rows::new(tokenizer, recipe.length, recipe.report_weight)?;
        let pool = |threads| ThreadPoolBuilder::new().num_threads(threads).build().context("starting threads");
        let pools = (0..threads.clamp(1, recipe.shards)).map(|_| pool(1)).collect::<Result<_>>()?;
        Ok(Self { recipe, done: 0, decoder, parameters, optimiser, rows, pools, wide: pool(threads)? })
    }

    /// Goes on from a state on disk.
    pub(super) fn resume(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        self.done = checkpoint.load(&mut self.optimiser)?;
        Ok(())
    }

    /// Writes the state.
    pub(super) fn save(&self, checkpoint: &Checkpoint) -> Result<()> {
        checkpoint.save(&self.optimiser, self.done).context("writing the state")
    }

    /// Steps done.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// The model as it is now.
    pub(super) fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Takes one step and gives its mean loss.
    pub(super) fn step(&mut self) -> Result<f64> {
        let (loss, gradient) = self.gradient(self.done)?;
        let (rate, clip) = (self.recipe.rate(self.done), self.recipe.clip);
        self.wide.install(|| self.optimiser.step(self.done, rate, gradient, clip))?;
        self.done += 1;
        Ok(loss)
    }

    /// Mean loss and gradient of step `step`.
    fn gradient(&self, step: u64) -> Result<Gradient> {
        let shards = self.recipe.shards;
        let results: Vec<Mutex<Option<Result<Gradient>>>> = (0..shards).map(|_| Mutex::new(None)).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            loop {
                let shard = next.fetch_add(1, Ordering::Relaxed);
                let Some(slot) = results.get(shard) else { return };
                let result = self.shard(step * shards as u64 + shard as u64);
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            }
        };
        std::thread::scope(|scope| self.pools.iter().for_each(|pool| drop(scope.spawn(|| pool.install(work)))));
        let results = results.into_iter().map(|r| r.into_inner().unwrap_or_else(PoisonError::into_inner));
        let shards = results.map(|r| r.ok_or_else(|| anyhow!("a shard was not run"))?).collect::<Result<Vec<_>>>()?;
        Ok(self.wide.install(|| mean(&shards)))
    }

    fn shard(&self, stream: u64) -> Result<Gradient> {
        let batch = self.rows.batch(self.recipe.seed, stream, self.recipe.rows)?;
        let mut gradients = Gradients::new(&self.decoder, &self.parameters, false);
        let loss = gradients.add(&batch, 1.0)?;
        let flat = |gradient: Option<Tensor>| Ok(gradient.context("every parameter has a gradient")?.flatten_all()?.to_vec1::<f32>()?);
        Ok((loss, gradients.finish()?.into_iter().map(flat).collect::<Result<_>>()?))
    }

    /// Mean loss over documents of each format about held-out names; reports themselves are left out of it.
    pub(super) fn held_out_losses(&self) -> Result<Vec<(&'static str, f64)>> {
        let batches = self.rows.held_out(self.recipe.seed, JUDGED_DOCUMENTS)?;
        batches.iter().map(|(name, batch)| Ok((*name, self.loss(batch)?))).collect()
    }

    fn loss(&self, batch: &Batch) -> Result<f64> {
        let [ids, targets, weights] = batch.tensors(self.decoder.device())?;
        let (mut x, positions) = (self.decoder.embed(&ids)?.detach(), batch.positions(&self.decoder)?);
        for index in 0..self.decoder.blocks() {
            x = self.decoder.block(index, &x, &positions)?.detach();
        }
        let logits = self.decoder.logits(&x)?.detach().flatten_to(1)?;
        Ok(f64::from(ops::cross_entropy(&logits, &targets, &weights)?.to_scalar::<f32>()?))
    }
}

/// The shards' mean, added up in their order.
fn mean(shards: &[Gradient]) -> Gradient {
    let share = 1.0 / shards.len() as f32;
    let loss = shards.iter().map(|(loss, _)| loss * f64::from(share)).sum();
    let (_, like) = &shards[0];
    let gradient = (0..like.len()).into_par_iter().map(|i| {
        let mut sum = vec![0.0; like[i].len()];
        for (_, gradient) in shards {
            sum.iter_mut().zip(&gradient[i]).for_each(|(sum, g)| *sum += g * share);
        }
        sum
    });
    (loss, gradient.collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::tokenizer;

    /// A recipe of a moment.
    fn trainer(threads: usize) -> Trainer {
        let recipe = Recipe { steps: 4, shards: 3, length: 24, warmup: 2, ..super::super::RECIPE };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/edge-eval/quickstart/model");
        Trainer::new(recipe, tokenizer::load(&folder).unwrap(), threads).unwrap()
    }

    fn weights(trainer: &Trainer) -> Vec<f32> {
        let flat = |(_, var): &(String, Var)| var.as_detached_tensor().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        trainer.parameters.iter().flat_map(flat).collect()
    }

    #[test]
    fn the_weights_do_not_depend_on_threads_or_on_interruptions() {
        let (mut whole, mut first) = (trainer(1), trainer(2));
        let losses = [whole.step().unwrap(), whole.step().unwrap()];
        assert!(losses.iter().all(|loss| (4.0..12.0).contains(loss)), "{losses:?}");

        let folder = tempfile::tempdir().unwrap();
        let checkpoint = Checkpoint::new(folder.path()).unwrap();
        first.step().unwrap();
        first.save(&checkpoint).unwrap();
        let mut second = trainer(3);
        second.resume(&checkpoint).unwrap();
        assert_eq!(second.done(), 1);
        second.step().unwrap();
        assert!(weights(&whole) == weights(&second), "a resumed training differs from an uninterrupted one");
    }
}
