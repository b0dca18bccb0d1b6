//! Scaled dot-product attention with grouped query heads (Ainslie et al. 2023, arXiv 2305.13245), a tile at a time.
//!
//! A tile is a block of rows of the query heads that share one key head: its scores stay in the cache, columns that the mask
//! hides are mostly not computed, and nothing is kept for the backward but the inputs (the scores are computed again).

mod tile;

use std::sync::Arc;

use candle_core::{D, Result, Tensor};

use super::{cpu, heads::split, node};
use tile::Tiles;

/// Which columns (keys) a row (query) sees. With `t` queries and `s` keys, query `i` stands at position `s - t + i`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mask {
    /// Every key.
    Full,
    /// Keys up to the query's own position.
    Causal,
    /// Keys from the given one up to the query's own position: several sequences packed into a row. One first key per query,
    /// row after row (`b * t` of them); `t` and `s` are equal.
    Packed(Arc<[u32]>),
}

impl Mask {
    /// Columns seen by query `i` of batch row `row`.
    fn visible(&self, row: usize, i: usize, t: usize, s: usize) -> std::ops::Range<usize> {
        match self {
            Self::Full => 0..s,
            Self::Causal => 0..s - t + i + 1,
            Self::Packed(first) => (first[row * t + i] as usize).min(i)..i + 1,
        }
    }

    fn check(&self, b: usize, t: usize, s: usize) -> Result<()> {
        match self {
            Self::Packed(first) if t != s || first.len() != b * t => {
                candle_core::bail!("a packed mask of {} entries for {b} rows of {t} queries and {s} keys", first.len())
            }
            Self::Causal if t > s => candle_core::bail!("{t} queries cannot see {s} keys causally"),
            _ => Ok(()),
        }
    }
}

/// `softmax(scale q kᵀ) v` where the mask allows: `q [b, h, t, d]`, `k` and `v [b, h / groups, s, d]` to `[b, t, h * d]`, ready
/// for the output projection.
///
/// # Errors
/// When shapes, types or devices do not fit.
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, scale: f64, mask: &Mask) -> Result<Tensor> {
    let (b, h, t, d) = q.dims4()?;
    let (_, kv, s, _) = k.dims4()?;
    if kv == 0 || h % kv != 0 || k.dims() != v.dims() || k.dim(0)? != b || k.dim(3)? != d {
        candle_core::bail!("attention shapes do not fit: q {:?}, k {:?}, v {:?}", q.shape(), k.shape(), v.shape());
    }
    mask.check(b, t, s)?;
    let inputs = Inputs {
        q: q.detach().contiguous()?,
        k: k.detach().contiguous()?,
        v: v.detach().contiguous()?,
        scale,
        mask: mask.clone(),
        groups: h / kv,
    };
    let value = inputs.forward()?;
    let track = [q, k, v].map(Tensor::track_op);
    if track == [false; 3] {
        return Ok(value);
    }
    let backward = move |_: &Tensor, g: &Tensor| {
        let [dq, dk, dv] = inputs.gradients(g)?;
        Ok([track[0].then_some(dq), track[1].then_some(dk), track[2].then_some(dv)])
    };
    node::node3("attention", [q, k, v], value, Box::new(backward))
}

/// What both directions need.
struct Inputs {
    q: Tensor,
    k: Tensor,
    v: Tensor,
    scale: f64,
    mask: Mask,
    groups: usize,
}

impl Inputs {
    fn forward(&self) -> Result<Tensor> {
        if cpu::applies(&[&self.q, &self.k, &self.v]) {
            return Tiles::new(self)?.forward();
        }
        let (b, h, t, d) = self.q.dims4()?;
        let (p, v) = (self.probabilities()?, self.folded(&self.v)?);
        let y = p.matmul(&v)?.reshape((b, h, t, d))?;
        y.transpose(1, 2)?.contiguous()?.reshape((b, t, h * d))
    }

    /// Gradients of q, k and v from that of the result. With `p` the probabilities: `dv = pᵀ g`, `dp = g vᵀ`,
    /// `ds = scale p (dp - sum(dp p))`, `dq = ds k`, `dk = dsᵀ q`.
    fn gradients(&self, g: &Tensor) -> Result<[Tensor; 3]> {
        let g = split(&g.contiguous()?, self.q.dim(1)?)?;
        if cpu::applies(&[&self.q, &self.k, &self.v, &g]) {
            return Tiles::new(self)?.gradients(&g);
        }
        let p = self.probabilities()?;
        let [q, k, v, g] = [self.folded(&self.q)?, self.folded(&self.k)?, self.folded(&self.v)?, self.folded(&g)?];
        let dv = p.transpose(1, 2)?.contiguous()?.matmul(&g)?;
        let dp = g.matmul(&v.transpose(1, 2)?.contiguous()?)?;
        let along = (&dp * &p)?.sum_keepdim(D::Minus1)?;
        let ds = ((dp.broadcast_sub(&along)? * p)? * self.scale)?;
        let dq = ds.matmul(&k)?.reshape(self.q.shape())?;
        let dk = ds.transpose(1, 2)?.contiguous()?.matmul(&q)?.reshape(self.k.shape())?;
        Ok([dq, dk, dv.reshape(self.v.shape())?])
    }

    /// `[b, h, t, d]` as `[b * kv heads, rows, d]`: the query heads of a group come under each other.
    fn folded(&self, x: &Tensor) -> Result<Tensor> {
        let (b, kv, _, d) = self.k.dims4()?;
        x.reshape((b * kv, (), d))
    }

    /// Probabilities of all rows at once, `[b * kv heads, groups * t, s]`, for devices without tiles.
    fn probabilities(&self) -> Result<Tensor> {
        let (b, h, t, _) = self.q.dims4()?;
        let s = self.k.dim(2)?;
        let scores = (self.folded(&self.q)?.matmul(&self.folded(&self.k)?.transpose(1, 2)?.contiguous()?)? * self.scale)?;
        let mut hidden = vec![f32::NEG_INFINITY; b * t * s];
        for (row, columns) in hidden.chunks_mut(s).enumerate() {
            columns[self.mask.visible(row / t, row % t, t, s)].fill(0.0);
        }
        let scores = cpu::wide(&scores)?.reshape((b, h, t, s))?;
        let hidden = Tensor::from_vec(hidden, (b, 1, t, s), self.q.device())?.to_dtype(scores.dtype())?;
        let scores = scores.broadcast_add(&hidden)?;
        let p = candle_nn::ops::softmax_last_dim(&scores)?.to_dtype(self.q.dtype())?;
        p.reshape((self.k.dim(0)? * self.k.dim(1)?, self.groups * t, s))
    }
}
