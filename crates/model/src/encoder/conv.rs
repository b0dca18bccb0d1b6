//! The convolution that DeBERTa-v2-xlarge has beside its first layer: over each token and its neighbours, as one product.

use candle_core::{Device, Tensor};

use super::batch::Batch;
use super::norm::Norm;
use super::{Activation, Dense, activation};
use crate::Result;

#[derive(Debug)]
pub(super) struct Convolution {
    /// `[hidden, kernel · hidden]`: the weights of one neighbour after those of the one before.
    pub(super) dense: Dense,
    /// Odd.
    pub(super) kernel: usize,
    pub(super) activation: Activation,
    pub(super) norm: Norm,
}

impl Convolution {
    /// From the stored `[hidden, hidden, kernel]`.
    pub(super) fn new(weight: &Tensor, bias: Tensor, activation: Activation, norm: Norm) -> Result<Self> {
        let (out, hidden, kernel) = weight.dims3()?;
        let weight = weight.transpose(1, 2)?.contiguous()?.reshape((out, kernel * hidden))?;
        Ok(Self { dense: Dense { weight, bias }, kernel, activation, norm })
    }

    /// What the first layer gave, with the convolution of what it was given: `[tokens, hidden]` all.
    pub(super) fn forward(&self, before: &Tensor, after: &Tensor, batch: &Batch) -> Result<Tensor> {
        let neighbours = self.neighbours(before, batch)?;
        let convolved = activation::biased(self.dense.product(&neighbours)?, &self.dense.bias, self.activation)?;
        let none = self.norm.bias.zeros_like()?;
        self.norm.of_sum(after, convolved, &none)
    }

    /// `[tokens, kernel · hidden]`: each token's neighbours, zeros beyond the ends of its sequence.
    fn neighbours(&self, x: &Tensor, batch: &Batch) -> Result<Tensor> {
        let (tokens, hidden) = x.dims2()?;
        // A row of zeros after the last stands for what is beyond an end.
        let beyond = tokens as u32;
        let x = Tensor::cat(&[x, &Tensor::zeros((1, hidden), x.dtype(), x.device())?], 0)?;
        let reach = self.kernel / 2;
        let around = |span: &std::ops::Range<usize>, i: usize| {
            let span = span.clone();
            (0..self.kernel).map(move |k| (i + k).checked_sub(reach).filter(|j| span.contains(j)).map_or(beyond, |j| j as u32))
        };
        let rows: Vec<u32> = batch.spans.iter().flat_map(|span| span.clone().flat_map(move |i| around(span, i))).collect();
        let rows = Tensor::from_vec(rows, tokens * self.kernel, &Device::Cpu)?.to_device(x.device())?;
        Ok(x.index_select(&rows, 0)?.reshape((tokens, self.kernel * hidden))?)
    }
}
