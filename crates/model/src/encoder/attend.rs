//! Attention of each sequence over itself, with DeBERTa's two products with relative positions where the family has them.
//!
//! ```text
//! score(i, j) = scale (q_i · k_j + q_i · K[i − j] + k_j · Q[i − j])
//! ```
//!
//! K and Q hold one row a distance here, not one a bucket: along a row of scores the products with K then lie side by side, and nothing is
//! gathered. Products are worked out for some rows at a time, so that few distances are multiplied that no pair has.

use std::ops::Range;

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use super::relative::ByDistance;
use crate::Result;
use crate::ops::{cpu, softmax_row, update};

/// What attention is computed from.
pub(super) struct Heads<'a> {
    /// `[tokens, heads · d]`, or `[sequences, heads · d]` when only the first tokens ask.
    pub(super) q: Tensor,
    /// `[tokens, heads · d]`.
    pub(super) k: Tensor,
    /// `[tokens, heads · d]`.
    pub(super) v: Tensor,
    pub(super) spans: &'a [Range<usize>],
    pub(super) firsts_only: bool,
    pub(super) count: usize,
    pub(super) scale: f64,
    pub(super) positions: Option<&'a ByDistance>,
}

/// The values weighted and summed, `[rows of q, heads · d]`.
pub(super) fn attend(inputs: &Heads) -> Result<Tensor> {
    let (rows, width) = inputs.q.dims2()?;
    let d = width / inputs.count;
    if !cpu::applies(&[&inputs.q, &inputs.k, &inputs.v]) {
        return inputs.composed();
    }
    let parts = inputs.spans.len() * inputs.count;
    let parts = (0..parts).into_par_iter().map(|part| inputs.part(part / inputs.count, part % inputs.count));
    let parts = parts.collect::<Result<Vec<_>>>()?;
    let mut out = vec![0f32; rows * width];
    for (i, part) in parts.iter().enumerate() {
        let (queries, head) = (inputs.queries(i / inputs.count), i % inputs.count);
        let values = cpu::values(part)?;
        for (row, values) in out[queries.start * width..].chunks_mut(width).zip(values.chunks(d)) {
            row[head * d..][..d].copy_from_slice(values);
        }
    }
    Ok(Tensor::from_vec(out, (rows, width), &Device::Cpu)?)
}

/// Rows of a block: with more, more distances are multiplied in vain; with fewer, the products are too small.
const BLOCK: usize = 64;

impl Heads<'_> {
    /// The rows of q of a sequence.
    fn queries(&self, sequence: usize) -> Range<usize> {
        if self.firsts_only { sequence..sequence + 1 } else { self.spans[sequence].clone() }
    }

    /// `[rows, d]`: the columns of one head, where they lie.
    fn head(&self, x: &Tensor, rows: Range<usize>, head: usize) -> Result<Tensor> {
        let d = x.dim(1)? / self.count;
        Ok(x.narrow(0, rows.start, rows.len())?.narrow(1, head * d, d)?)
    }

    /// `[queries, d]` of one head of one sequence.
    fn part(&self, sequence: usize, head: usize) -> Result<Tensor> {
        let q = self.head(&self.q, self.queries(sequence), head)?;
        let k = self.head(&self.k, self.spans[sequence].clone(), head)?;
        let scores = q.matmul(&k.t()?)?;
        if let Some(positions) = self.positions {
            if let Some(keys) = &positions.keys {
                self.content_to_position(&scores, &q, keys, positions.longest, head)?;
            }
            if let Some(queries) = &positions.queries {
                self.position_to_content(&scores, &k, queries, positions.longest, head)?;
            }
        }
        let width = k.dim(0)?;
        update(&scores, |scores| scores.chunks_mut(width).for_each(|row| softmax_row(row, self.scale as f32)))?;
        Ok(scores.matmul(&self.head(&self.v, self.spans[sequence].clone(), head)?)?)
    }

    /// Adds `q_i · K[i − j]` to the scores `[queries, t]`.
    fn content_to_position(&self, scores: &Tensor, q: &Tensor, keys: &Tensor, longest: usize, head: usize) -> Result<()> {
        let (queries, t) = scores.dims2()?;
        for from in (0..queries).step_by(BLOCK) {
            let rows = BLOCK.min(queries - from);
            // From the first key seen from the block's last row, to the last key seen from its first.
            let start = longest - from - rows;
            let products = q.narrow(0, from, rows)?.matmul(&self.head(keys, start..start + t + rows - 1, head)?.t()?)?;
            let products = cpu::values(&products)?;
            update(scores, |scores| {
                for (i, scores) in scores[from * t..].chunks_mut(t).take(rows).enumerate() {
                    let products = &products[i * (t + rows - 1) + rows - 1 - i..][..t];
                    scores.iter_mut().zip(products).for_each(|(score, product)| *score += product);
                }
            })?;
        }
        Ok(())
    }

    /// Adds `k_j · Q[i − j]` to the scores `[queries, t]`.
    fn position_to_content(&self, scores: &Tensor, k: &Tensor, rows_of: &Tensor, longest: usize, head: usize) -> Result<()> {
        let (queries, t) = scores.dims2()?;
        for from in (0..t).step_by(BLOCK) {
            let columns = BLOCK.min(t - from);
            let width = queries + columns - 1;
            // From the block's first key seen from the last query, to its last seen from the first.
            let start = longest - queries + from;
            let products = k.narrow(0, from, columns)?.matmul(&self.head(rows_of, start..start + width, head)?.t()?)?;
            let products = cpu::values(&products)?;
            update(scores, |scores| {
                for (i, scores) in scores.chunks_mut(t).enumerate() {
                    let diagonal = products[queries - 1 - i..].iter().step_by(width + 1);
                    scores[from..from + columns].iter_mut().zip(diagonal).for_each(|(score, product)| *score += product);
                }
            })?;
        }
        Ok(())
    }

    /// The plain formula in candle's operations, for devices without the kernels above.
    fn composed(&self) -> Result<Tensor> {
        let mut all = Vec::with_capacity(self.spans.len());
        for (sequence, span) in self.spans.iter().enumerate() {
            let queries = self.queries(sequence);
            let (t, rows) = (span.len(), queries.len());
            let split = |x: &Tensor, rows: Range<usize>| {
                let x = x.narrow(0, rows.start, rows.len())?.contiguous()?;
                x.reshape((rows.len(), self.count, ()))?.transpose(0, 1)?.contiguous()
            };
            let (q, k, v) = (split(&self.q, queries)?, split(&self.k, span.clone())?, split(&self.v, span.clone())?);
            let mut scores = q.matmul(&k.t()?.contiguous()?)?;
            if let Some(ByDistance { keys, queries, longest }) = self.positions {
                let seen = longest - t..longest + t - 1;
                // Where the distance j − i stands, for row i and column j.
                let ahead = |i: usize, j: usize| (j + t - 1 - i) as u32;
                if let Some(keys) = keys {
                    let at: Vec<u32> = (0..rows).flat_map(|i| (0..t).map(move |j| ahead(i, j))).collect();
                    let at = Tensor::from_vec(at, (1, rows, t), q.device())?.broadcast_as(scores.shape())?.contiguous()?;
                    let products = q.matmul(&split(keys, seen.clone())?.t()?.contiguous()?)?;
                    scores = (scores + products.gather(&at, 2)?)?;
                }
                if let Some(queries) = queries {
                    let at: Vec<u32> = (0..t).flat_map(|j| (0..rows).map(move |i| ahead(i, j))).collect();
                    let at = Tensor::from_vec(at, (1, t, rows), q.device())?.broadcast_as((self.count, t, rows))?.contiguous()?;
                    let products = k.matmul(&split(queries, seen)?.t()?.contiguous()?)?;
                    scores = (scores + products.gather(&at, 2)?.t()?)?;
                }
            }
            let weights = candle_nn::ops::softmax_last_dim(&(scores * self.scale)?)?;
            all.push(weights.matmul(&v)?.transpose(0, 1)?.reshape((rows, ()))?);
        }
        Ok(Tensor::cat(&all, 0)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_the_plain_formula() {
        let (heads, d, longest) = (3, 8, 150);
        let spans = [0..70, 70..71, 71..221, 221..285];
        let wave = |rows: usize, step: usize| {
            let values = (0..rows * heads * d).map(|i| ((i * step % 97) as f32 - 48.0) / 40.0).collect();
            Tensor::from_vec(values, (rows, heads * d), &Device::Cpu).unwrap()
        };
        let (keys, queries) = (wave(2 * longest - 1, 29), wave(2 * longest - 1, 31));
        let all = [(None, None), (Some(&keys), None), (None, Some(&queries)), (Some(&keys), Some(&queries))];
        for (keys, queries) in all {
            for firsts_only in [false, true] {
                let positions = ByDistance { keys: keys.cloned(), queries: queries.cloned(), longest };
                let rows = if firsts_only { spans.len() } else { 285 };
                let (q, k, v) = (wave(rows, 53), wave(285, 59), wave(285, 61));
                let inputs = Heads { q, k, v, spans: &spans, firsts_only, count: heads, scale: 0.2, positions: Some(&positions) };
                let off = (attend(&inputs).unwrap() - inputs.composed().unwrap()).unwrap().abs().unwrap();
                let off = off.flatten_all().unwrap().max(0).unwrap().to_scalar::<f32>().unwrap();
                assert!(off < 2e-6, "{off:e}");
            }
        }
    }
}
