//! One layer: attention and feed-forward, each followed by a residual sum and a layer norm.

use candle_core::Tensor;

use super::attend::{Heads, attend};
use super::batch::Batch;
use super::norm::Norm;
use super::relative::{Distances, Tables};
use super::{Activation, Dense, activation};
use crate::Result;

#[derive(Debug)]
pub(super) struct Layer {
    pub(super) heads: usize,
    /// Query, key and value under each other, `[3 · heads · d, hidden]`.
    pub(super) projections: Dense,
    pub(super) tables: Option<Tables>,
    /// What the dot products are multiplied by.
    pub(super) scale: f64,
    pub(super) output: Dense,
    pub(super) attention_norm: Norm,
    pub(super) up: Dense,
    pub(super) activation: Activation,
    pub(super) down: Dense,
    pub(super) norm: Norm,
}

impl Layer {
    /// `x [tokens, hidden]` to the same, or to `[sequences, hidden]` of first tokens only.
    pub(super) fn forward(&self, x: &Tensor, batch: &Batch, distances: Option<&Distances>, firsts_only: bool) -> Result<Tensor> {
        let (x, attended) = self.attend(x, batch, distances, firsts_only)?;
        let x = self.attention_norm.of_sum(&x, self.output.product(&attended)?, &self.output.bias)?;
        let inner = activation::biased(self.up.product(&x)?, &self.up.bias, self.activation)?;
        self.norm.of_sum(&x, self.down.product(&inner)?, &self.down.bias)
    }

    /// The rows of x that go on, and what attention gives for them, `[rows, heads · d]`.
    fn attend(&self, x: &Tensor, batch: &Batch, distances: Option<&Distances>, firsts_only: bool) -> Result<(Tensor, Tensor)> {
        let width = self.projections.bias.dim(0)? / 3;
        let rows = if firsts_only { batch.firsts(x)? } else { x.clone() };
        let (q, kv, at) = if firsts_only {
            (self.projections.part(0, width)?.forward(&rows)?, self.projections.part(width, 2 * width)?.forward(x)?, 0)
        } else {
            let all = self.projections.forward(x)?;
            (all.narrow(1, 0, width)?, all, width)
        };
        let positions = match (&self.tables, distances) {
            (Some(tables), Some(distances)) => Some(tables.by_distance(distances)?),
            _ => None,
        };
        let heads = Heads {
            q,
            k: kv.narrow(1, at, width)?,
            v: kv.narrow(1, at + width, width)?,
            spans: &batch.spans,
            firsts_only,
            count: self.heads,
            scale: self.scale,
            positions: positions.as_ref(),
        };
        Ok((rows, attend(&heads)?))
    }
}

impl Dense {
    /// Some of its outputs.
    fn part(&self, from: usize, count: usize) -> Result<Self> {
        Ok(Self { weight: self.weight.narrow(0, from, count)?, bias: self.bias.narrow(0, from, count)? })
    }
}
