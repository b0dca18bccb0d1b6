//! A frozen linear layer with a low-rank update (Hu et al. 2021, arXiv 2106.09685), as one graph node.

use std::sync::Arc;

use candle_core::{Result, Tensor};

use super::{
    Dropout,
    add::accumulate,
    linear::{FrozenWeight, product_of_gradient, rows},
    node,
};

/// The low-rank update `scale · B A dropout(x)`.
#[derive(Clone, Debug)]
pub struct Lora {
    /// `[r, k]`.
    pub a: Tensor,
    /// `[n, r]`.
    pub b: Tensor,
    /// `alpha / r`.
    pub scale: f64,
    /// Applied to the input of `a`, only while `a` or `b` is trained.
    pub dropout: Option<Dropout>,
}

/// `x wᵀ + scale · dropout(x) aᵀ bᵀ`: `x [.., k]`, `w [n, k]` to `[.., n]`, with gradients for `x`, `a` and `b` where they are
/// tracked. Of the forward only `x` and `x aᵀ` are kept.
///
/// # Errors
/// When shapes, types or devices do not fit.
pub fn lora_linear(x: &Tensor, weight: &Arc<dyn FrozenWeight>, lora: &Lora) -> Result<Tensor> {
    let track = [x.track_op(), lora.a.track_op(), lora.b.track_op()];
    let update = Update::new(x, weight.clone(), lora, track)?;
    let input = rows(&x.detach())?;
    let low = update.drop(&input)?.matmul(&update.a.t()?)?.affine(update.scale, 0.0)?;
    let y = input.matmul(&weight.dense(x.dtype(), x.device())?.t()?)?;
    let y = accumulate(y, &low.matmul(&update.b.t()?)?)?;
    let mut dims = x.dims().to_vec();
    if let Some(last) = dims.last_mut() {
        *last = y.dim(1)?;
    }
    let value = y.reshape(dims)?;
    if track == [false; 3] {
        return Ok(value);
    }
    let backward = move |_: &Tensor, g: &Tensor| update.gradients(&input, &low, g);
    node::node3("lora_linear", [x, &lora.a, &lora.b], value, Box::new(backward))
}

/// What the backward needs of the layer.
struct Update {
    weight: Arc<dyn FrozenWeight>,
    a: Tensor,
    b: Tensor,
    scale: f64,
    dropout: Option<(Dropout, u64)>,
    track: [bool; 3],
    x_dims: Vec<usize>,
}

impl Update {
    fn new(x: &Tensor, weight: Arc<dyn FrozenWeight>, lora: &Lora, track: [bool; 3]) -> Result<Self> {
        let (rank, width) = lora.a.dims2()?;
        if x.dims().last() != Some(&width) || lora.b.dim(1)? != rank {
            candle_core::bail!("lora shapes do not fit: x {:?}, a {:?}, b {:?}", x.shape(), lora.a.shape(), lora.b.shape());
        }
        // Without training there is nothing to regularise.
        let dropout = lora.dropout.as_ref().filter(|_| track[1] || track[2]).map(|d| (d.clone(), d.draw()));
        Ok(Self { weight, a: lora.a.detach(), b: lora.b.detach(), scale: lora.scale, dropout, track, x_dims: x.dims().to_vec() })
    }

    fn drop(&self, x: &Tensor) -> Result<Tensor> {
        match &self.dropout {
            Some((dropout, draw)) => dropout.apply(x, *draw),
            None => Ok(x.clone()),
        }
    }

    /// With `h = scale · g b`: `dx = g w + drop(h a)`, `da = hᵀ drop(x)`, `db = gᵀ low`, where `low = scale · drop(x) aᵀ`.
    fn gradients(&self, x: &Tensor, low: &Tensor, g: &Tensor) -> Result<[Option<Tensor>; 3]> {
        let g = rows(g)?.contiguous()?;
        let h = g.matmul(&self.b)?.affine(self.scale, 0.0)?;
        let [track_x, track_a, track_b] = self.track;
        let dx = track_x.then(|| {
            let dx = product_of_gradient(&g, &self.weight.dense(g.dtype(), g.device())?)?;
            accumulate(dx, &self.drop(&h.matmul(&self.a)?)?)?.reshape(self.x_dims.as_slice())
        });
        let da = track_a.then(|| h.t()?.matmul(&self.drop(x)?));
        let db = track_b.then(|| g.t()?.matmul(low));
        Ok([dx.transpose()?, da.transpose()?, db.transpose()?])
    }
}
