//! One block: attention and feed-forward, each behind an `RMSNorm` and a residual sum.

use candle_core::Tensor;

use super::cache::Slot;
use super::{Positions, attend};
use crate::{Config, Linear, Result, linear, ops};

#[derive(Debug)]
pub(super) struct Block {
    pub(super) attention_norm: Tensor,
    pub(super) mlp_norm: Tensor,
    /// In the order of `LINEAR_NAMES`.
    pub(super) linears: [Linear; 7],
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    pub(super) head_dim: usize,
    pub(super) eps: f64,
}

const NORM_NAMES: [&str; 2] = ["input_layernorm", "post_attention_layernorm"];
const LINEAR_NAMES: [&str; 7] =
    ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"];

impl Block {
    pub(super) fn new(config: &Config, norms: [Tensor; 2], linears: [Linear; 7]) -> Self {
        let [attention_norm, mlp_norm] = norms;
        let (heads, kv_heads, head_dim) = (config.heads, config.kv_heads, config.head_dim);
        Self { attention_norm, mlp_norm, linears, heads, kv_heads, head_dim, eps: config.rms_norm_eps }
    }

    /// `[b, t, d]` to `[b, t, d]`, after the positions that the cache's slot holds, if any.
    pub(super) fn forward(&self, x: &Tensor, positions: &Positions, slot: Option<Slot<'_>>) -> Result<Tensor> {
        let normed = ops::rms_norm(x, &self.attention_norm, self.eps)?;
        let x = ops::add(x, &self.attention(&normed, positions, slot)?)?;
        let normed = ops::rms_norm(&x, &self.mlp_norm, self.eps)?;
        Ok(ops::add(&x, &self.mlp(&normed)?)?)
    }

    fn attention(&self, x: &Tensor, positions: &Positions, slot: Option<Slot<'_>>) -> Result<Tensor> {
        let scale = 1.0 / (self.head_dim as f64).sqrt();
        let [q, k, v, o, ..] = &self.linears;
        let [q, k, v] = linear::forward_all([q, k, v], x)?;
        let q = ops::rope(&ops::split_heads(&q, self.heads)?, &positions.cos, &positions.sin, false)?;
        let k = ops::rope(&ops::split_heads(&k, self.kv_heads)?, &positions.cos, &positions.sin, false)?;
        let v = ops::split_heads(&v, self.kv_heads)?;
        let y = match slot {
            None => ops::attention(&q, &k, &v, scale, &positions.mask)?,
            Some(slot) => {
                let (k, v) = slot.append(&k, &v)?;
                if q.dim(2)? == 1 {
                    attend::one(&q, &k, &v, scale)?
                } else {
                    ops::attention(&q, &slot.split(&k)?, &slot.split(&v)?, scale, &positions.mask)?
                }
            }
        };
        o.forward(&y)
    }

    fn mlp(&self, x: &Tensor) -> Result<Tensor> {
        let [.., gate, up, down] = &self.linears;
        let [gate, up] = linear::forward_all([gate, up], x)?;
        down.forward(&ops::silu_mul(&gate, &up)?)
    }

    pub(super) fn linears(&self) -> impl Iterator<Item = (&'static str, &Linear)> {
        LINEAR_NAMES.into_iter().zip(&self.linears)
    }

    pub(super) fn linears_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut Linear)> {
        LINEAR_NAMES.into_iter().zip(&mut self.linears)
    }

    pub(super) fn norms(&self) -> impl Iterator<Item = (&'static str, &Tensor)> {
        NORM_NAMES.into_iter().zip([&self.attention_norm, &self.mlp_norm])
    }

    pub(super) fn norms_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut Tensor)> {
        NORM_NAMES.into_iter().zip([&mut self.attention_norm, &mut self.mlp_norm])
    }
}
