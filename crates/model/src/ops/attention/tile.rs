//! Attention on the CPU, tile by tile, several tiles at a time.

use std::ops::Range;

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

use super::Inputs;
use crate::ops::{add::update, cpu, softmax::softmax_row};

/// Queries of one block, per query head.
const BLOCK: usize = 128;

/// The inputs cut into one part per batch row and key head.
pub(super) struct Tiles<'a> {
    inputs: &'a Inputs,
    /// Batch rows, key heads, query heads per key head, queries, keys, head width.
    b: usize,
    kv: usize,
    groups: usize,
    t: usize,
    s: usize,
    d: usize,
}

/// Gradients of one part: of its queries, keys and values.
type Part = [Vec<f32>; 3];

impl<'a> Tiles<'a> {
    pub(super) fn new(inputs: &'a Inputs) -> Result<Self> {
        let (b, kv, s, d) = inputs.k.dims4()?;
        Ok(Self { inputs, b, kv, groups: inputs.groups, t: inputs.q.dim(2)?, s, d })
    }

    /// `[b, t, h * d]`.
    pub(super) fn forward(&self) -> Result<Tensor> {
        let parts = (0..self.b * self.kv).into_par_iter().map(|part| self.forward_part(part)).collect::<Result<Vec<_>>>()?;
        let (t, d, heads) = (self.t, self.d, self.kv * self.groups);
        let mut out = vec![0f32; self.b * t * heads * d];
        for (head, values) in parts.iter().flat_map(|part| part.chunks(t * d)).enumerate() {
            let rows = out[head / heads * t * heads * d..].chunks_mut(heads * d);
            for (row, values) in rows.zip(values.chunks(d)) {
                row[head % heads * d..][..d].copy_from_slice(values);
            }
        }
        Tensor::from_vec(out, (self.b, t, heads * d), &Device::Cpu)
    }

    /// The gradients of q, k and v; `g [b, h, t, d]` is that of the result.
    pub(super) fn gradients(&self, g: &Tensor) -> Result<[Tensor; 3]> {
        let parts = (0..self.b * self.kv).into_par_iter().map(|part| self.gradients_part(part, g)).collect::<Result<Vec<_>>>()?;
        let joined = |which: usize, like: &Tensor| {
            let values: Vec<&[f32]> = parts.iter().map(|part| part[which].as_slice()).collect();
            Tensor::from_vec(values.concat(), like.shape(), &Device::Cpu)
        };
        Ok([joined(0, &self.inputs.q)?, joined(1, &self.inputs.k)?, joined(2, &self.inputs.v)?])
    }

    /// `[groups, t, d]` of one part.
    fn forward_part(&self, part: usize) -> Result<Vec<f32>> {
        let mut out = vec![0f32; self.groups * self.t * self.d];
        let (k, v) = (self.keys(&self.inputs.k, part)?, self.keys(&self.inputs.v, part)?);
        for queries in self.blocks() {
            let columns = self.columns(part, &queries);
            let q = self.queries(&self.inputs.q, part, &queries)?;
            let p = self.probabilities(part, &q, &k, &queries, &columns)?;
            let y = p.matmul(&v.narrow(0, columns.start, columns.len())?)?;
            self.place(&mut out, &y, &queries)?;
        }
        Ok(out)
    }

    fn gradients_part(&self, part: usize, g: &Tensor) -> Result<Part> {
        let (k, v) = (self.keys(&self.inputs.k, part)?, self.keys(&self.inputs.v, part)?);
        let mut dq = vec![0f32; self.groups * self.t * self.d];
        let (mut dk, mut dv) = (vec![0f32; self.s * self.d], vec![0f32; self.s * self.d]);
        for queries in self.blocks() {
            let columns = self.columns(part, &queries);
            let (q, g) = (self.queries(&self.inputs.q, part, &queries)?, self.queries(g, part, &queries)?);
            let p = self.probabilities(part, &q, &k, &queries, &columns)?;
            self.sum_into(&mut dv, &p.t()?.matmul(&g)?, &columns)?;
            let ds = g.matmul(&v.narrow(0, columns.start, columns.len())?.t()?)?;
            self.score_gradient(&p, &ds)?;
            self.place(&mut dq, &ds.matmul(&k.narrow(0, columns.start, columns.len())?)?, &queries)?;
            self.sum_into(&mut dk, &ds.t()?.matmul(&q)?, &columns)?;
        }
        Ok([dq, dk, dv])
    }

    fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let t = self.t;
        (0..t).step_by(BLOCK).map(move |start| start..(start + BLOCK).min(t))
    }

    fn visible(&self, part: usize, i: usize) -> Range<usize> {
        self.inputs.mask.visible(part / self.kv, i, self.t, self.s)
    }

    /// The columns that some query of a block sees.
    fn columns(&self, part: usize, queries: &Range<usize>) -> Range<usize> {
        let seen = queries.clone().map(|i| self.visible(part, i));
        seen.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0)
    }

    /// `[s, d]` of one part of k or v.
    fn keys(&self, x: &Tensor, part: usize) -> Result<Tensor> {
        x.reshape((self.b * self.kv, self.s, self.d))?.get(part)
    }

    /// `[groups * block, d]` of one part of q or of the gradient.
    fn queries(&self, x: &Tensor, part: usize, queries: &Range<usize>) -> Result<Tensor> {
        let x = x.reshape((self.b * self.kv, self.groups, self.t, self.d))?.get(part)?;
        x.narrow(1, queries.start, queries.len())?.contiguous()?.reshape((self.groups * queries.len(), self.d))
    }

    /// `[groups * block, columns]`: the softmax over what each query sees, 0 elsewhere.
    fn probabilities(&self, part: usize, q: &Tensor, k: &Tensor, queries: &Range<usize>, columns: &Range<usize>) -> Result<Tensor> {
        let scores = q.matmul(&k.narrow(0, columns.start, columns.len())?.t()?)?;
        let scale = self.inputs.scale as f32;
        update(&scores, |scores| {
            for (row, scores) in scores.chunks_mut(columns.len()).enumerate() {
                let seen = self.visible(part, queries.start + row % queries.len());
                let (from, to) = (seen.start - columns.start, seen.end - columns.start);
                scores[..from].fill(0.0);
                scores[to..].fill(0.0);
                softmax_row(&mut scores[from..to], scale);
            }
        })?;
        Ok(scores)
    }

    /// `ds = scale p (dp - sum(dp p))`, written over `dp`.
    fn score_gradient(&self, p: &Tensor, dp: &Tensor) -> Result<()> {
        let width = p.dim(1)?;
        let scale = self.inputs.scale as f32;
        let p = cpu::values(p)?;
        update(dp, |dp| {
            for (dp, p) in dp.chunks_mut(width).zip(p.chunks(width)) {
                let along = cpu::sum2(dp, p, |dp, p| dp * p);
                for (dp, &p) in dp.iter_mut().zip(p) {
                    *dp = scale * p * (*dp - along);
                }
            }
        })
    }

    /// Writes `[groups * block, d]` to its rows of `[groups, t, d]`.
    fn place(&self, out: &mut [f32], block: &Tensor, queries: &Range<usize>) -> Result<()> {
        let values = cpu::values(block)?;
        let rows = queries.len() * self.d;
        for (group, values) in values.chunks(rows).enumerate() {
            out[(group * self.t + queries.start) * self.d..][..rows].copy_from_slice(values);
        }
        Ok(())
    }

    /// Adds `[columns, d]` to its rows of `[s, d]`.
    fn sum_into(&self, out: &mut [f32], part: &Tensor, columns: &Range<usize>) -> Result<()> {
        let values = cpu::values(part)?;
        out[columns.start * self.d..columns.end * self.d].iter_mut().zip(&*values).for_each(|(o, v)| *o += v);
        Ok(())
    }
}
