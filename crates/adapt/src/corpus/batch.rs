//! Batches: rows of equal length, padded on the right, in an order that the seed decides anew for each epoch.

use model::{
    Decoder, Positions,
    tensor::{Device, Tensor},
};
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;

use super::{Example, pack::first_fit};
use crate::{Error, Result};

/// Rows of tokens with their targets, `b` rows of `t` tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Inputs, `b * t`; padding is 0.
    pub ids: Vec<u32>,
    /// The token after each input, `b * t`; padding is 0.
    pub targets: Vec<u32>,
    /// How much each target counts, `b * t`; padding is 0.
    pub weights: Vec<f32>,
    /// Lengths of the sequences of each row; none sees another.
    pub rows: Vec<Vec<usize>>,
    /// Tokens of a row, padding included.
    pub length: usize,
}

/// How sequences are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batching {
    /// Rows of a batch.
    pub batch: usize,
    /// Batches of an optimiser step.
    pub accumulation: usize,
    /// Longest sequence in ids; rows of a packed batch are as long.
    pub max_length: usize,
    /// Whether a row may hold several sequences.
    pub packing: bool,
    /// Of the order of the sequences.
    pub seed: u64,
}

/// The batches of a corpus, epoch after epoch.
#[derive(Debug)]
pub struct Batches<'a> {
    examples: &'a [Example],
    batching: Batching,
}

impl Batch {
    /// One row per entry of `rows`; each holds the sequences it names, one after the other. A sequence of n ids gives n - 1 inputs.
    pub fn new(rows: &[Vec<&Example>]) -> Self {
        let lengths: Vec<Vec<usize>> = rows.iter().map(|row| row.iter().map(|e| e.ids.len() - 1).collect()).collect();
        let length = lengths.iter().map(|row| row.iter().sum()).max().unwrap_or(0);
        let total = rows.len() * length;
        let mut batch = Self {
            ids: Vec::with_capacity(total),
            targets: Vec::with_capacity(total),
            weights: Vec::with_capacity(total),
            rows: lengths,
            length,
        };
        for (index, row) in rows.iter().enumerate() {
            for example in row {
                let inputs = example.ids.len() - 1;
                batch.ids.extend(&example.ids[..inputs]);
                batch.targets.extend(&example.ids[1..]);
                batch.weights.extend(&example.weights[1..]);
            }
            let end = (index + 1) * length;
            batch.ids.resize(end, 0);
            batch.targets.resize(end, 0);
            batch.weights.resize(end, 0.0);
        }
        batch
    }

    /// Tokens, padding excluded.
    pub fn tokens(&self) -> u64 {
        self.rows.iter().flatten().map(|&n| n as u64).sum()
    }

    /// Tokens that carry loss.
    pub fn loss_tokens(&self) -> u64 {
        self.weights.iter().filter(|&&w| w > 0.0).count() as u64
    }

    /// Sum of the weights.
    pub fn weight(&self) -> f64 {
        self.weights.iter().map(|&w| f64::from(w)).sum()
    }

    /// The inputs as `[b, t]`, the targets and the weights as `[b * t]`.
    ///
    /// # Errors
    /// When the device cannot hold them.
    pub fn tensors(&self, device: &Device) -> Result<[Tensor; 3]> {
        let n = self.ids.len();
        let ids = Tensor::from_slice(&self.ids, (self.rows.len(), self.length), device)?;
        Ok([ids, Tensor::from_slice(&self.targets, n, device)?, Tensor::from_slice(&self.weights, n, device)?])
    }

    /// Where each token stands and what it sees. Padding on the right needs no mask: nothing before it sees it.
    ///
    /// # Errors
    /// When an operation fails.
    pub fn positions(&self, model: &Decoder) -> Result<Positions> {
        if self.rows.iter().all(|row| row.len() <= 1) {
            return Ok(model.positions(self.length)?);
        }
        Ok(model.packed_positions(&self.rows, self.length)?)
    }
}

impl<'a> Batches<'a> {
    /// Batches of these examples.
    ///
    /// # Errors
    /// When there are no examples, or `batch` or `accumulation` is 0.
    pub fn new(examples: &'a [Example], batching: Batching) -> Result<Self> {
        for (name, value) in [("batch", batching.batch), ("accumulation", batching.accumulation), ("rows", examples.len())] {
            if value == 0 {
                return Err(Error::Setting { name, value: "0".to_owned(), rule: "at least 1 is needed" });
            }
        }
        Ok(Self { examples, batching })
    }

    /// Optimiser steps of an epoch.
    pub fn steps_in(&self, epoch: u64) -> u64 {
        self.rows(epoch).len().div_ceil(self.batching.batch * self.batching.accumulation) as u64
    }

    /// The optimiser steps of an epoch, each some batches.
    pub fn epoch(&self, epoch: u64) -> impl Iterator<Item = Vec<Batch>> {
        let Batching { batch, accumulation, .. } = self.batching;
        let rows = self.rows(epoch);
        let steps: Vec<_> = rows.chunks(batch * accumulation).map(<[_]>::to_vec).collect();
        let whole = move |row: &Vec<usize>| row.iter().map(|&i| &self.examples[i]).collect::<Vec<_>>();
        steps.into_iter().map(move |rows| rows.chunks(batch).map(|rows| Batch::new(&rows.iter().map(whole).collect::<Vec<_>>())).collect())
    }

    /// The sequences of each row of an epoch, by index.
    fn rows(&self, epoch: u64) -> Vec<Vec<usize>> {
        let mut order: Vec<usize> = (0..self.examples.len()).collect();
        let mut random = ChaCha8Rng::seed_from_u64(self.batching.seed);
        random.set_stream(epoch);
        order.shuffle(&mut random);
        if !self.batching.packing {
            return order.into_iter().map(|i| vec![i]).collect();
        }
        let lengths: Vec<usize> = self.examples.iter().map(|e| e.ids.len() - 1).collect();
        first_fit(&lengths, &order, self.batching.max_length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(ids: &[u32]) -> Example {
        Example { ids: ids.to_vec(), weights: ids.iter().map(|id| (id % 2) as f32).collect() }
    }

    #[test]
    fn rows_are_shifted_by_one_and_padded() {
        let batch = Batch::new(&[vec![&example(&[1, 2, 3])], vec![&example(&[4, 5]), &example(&[6, 7, 8])]]);
        assert_eq!(batch.ids, [1, 2, 0, 4, 6, 7]);
        assert_eq!(batch.targets, [2, 3, 0, 5, 7, 8]);
        assert_eq!(batch.weights, [0.0, 1.0, 0.0, 1.0, 1.0, 0.0]);
        assert_eq!((batch.rows.clone(), batch.length), (vec![vec![2], vec![1, 2]], 3));
        assert_eq!((batch.tokens(), batch.loss_tokens()), (5, 3));
    }

    #[test]
    fn an_epoch_has_every_example_once_and_its_own_order() {
        let examples: Vec<Example> = (0..13).map(|i| example(&[2 * i, 2 * i + 1])).collect();
        let batching = Batching { batch: 2, accumulation: 3, max_length: 8, packing: false, seed: 7 };
        let batches = Batches::new(&examples, batching).unwrap();
        let order = |epoch| batches.epoch(epoch).flatten().flat_map(|b| b.ids).collect::<Vec<_>>();
        let mut sorted = order(0);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..13).map(|i| 2 * i).collect::<Vec<_>>());
        assert_eq!(order(0), order(0));
        assert_ne!(order(0), order(1));
        assert_eq!((batches.steps_in(0), batches.epoch(0).count()), (3, 3));
        assert!(Batches::new(&[], batching).is_err());
    }
}
