//! The gradient of one step: shards on threads of their own, summed in a fixed order.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use adapt::{corpus::Batch, train::Gradients};
use anyhow::{Context, Result, anyhow};
use model::{
    Decoder, ops,
    tensor::{Tensor, Var},
};
use rayon::{ThreadPool, ThreadPoolBuilder, prelude::*};

use super::{Recipe, rows::Rows};
use crate::corpus::Part;

/// Rows of the held-out loss, drawn from the held-out names.
const JUDGED_ROWS: usize = 32;

/// Loss and gradient, one vector a parameter.
type Gradient = (f64, Vec<Vec<f32>>);

/// The model, its variables and the threads that work on it.
pub(super) struct Trainer {
    decoder: Decoder,
    parameters: Vec<(String, Var)>,
    rows: Rows,
    /// One thread each: a shard's own operations must not spread over the other shards' threads.
    pools: Vec<ThreadPool>,
    /// All threads together, for what lies between the shards.
    wide: ThreadPool,
    recipe: Recipe,
}

impl Trainer {
    /// Threads beyond the number of shards would idle and are not started.
    pub(super) fn new(decoder: Decoder, parameters: Vec<(String, Var)>, rows: Rows, threads: usize, recipe: Recipe) -> Result<Self> {
        let pool = |threads| ThreadPoolBuilder::new().num_threads(threads).build().context("starting threads");
        let pools = (0..threads.clamp(1, recipe.shards)).map(|_| pool(1)).collect::<Result<_>>()?;
        Ok(Self { decoder, parameters, rows, pools, wide: pool(threads)?, recipe })
    }

    /// All threads together.
    pub(super) fn wide(&self) -> &ThreadPool {
        &self.wide
    }

    /// The model as it is now.
    pub(super) fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Mean loss and gradient of step `step`.
    pub(super) fn gradient(&self, step: u64) -> Result<Gradient> {
        let shards = self.recipe.shards;
        let results: Vec<Mutex<Option<Result<Gradient>>>> = (0..shards).map(|_| Mutex::new(None)).collect();
        let next = AtomicUsize::new(0);
        let work = || {
            while let Some(slot) = results.get(next.fetch_add(1, Ordering::Relaxed)) {
                let shard = results.iter().position(|r| std::ptr::eq(r, slot)).expect("the slot is one of the results");
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
        let batch = self.rows.batch(Part::Train, self.recipe.seed, stream, self.recipe.rows)?;
        let mut gradients = Gradients::new(&self.decoder, &self.parameters, false);
        let loss = gradients.add(&batch, 1.0)?;
        let flat = |gradient: Option<Tensor>| Ok(gradient.context("every parameter has a gradient")?.flatten_all()?.to_vec1::<f32>()?);
        Ok((loss, gradients.finish()?.into_iter().map(flat).collect::<Result<_>>()?))
    }

    /// Mean loss over rows about held-out names.
    pub(super) fn held_out_loss(&self) -> Result<f64> {
        let mut sum = 0.0;
        for stream in 0..JUDGED_ROWS as u64 {
            sum += self.loss(&self.rows.batch(Part::HeldOut, self.recipe.seed, stream, 1)?)?;
        }
        Ok(sum / JUDGED_ROWS as f64)
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
