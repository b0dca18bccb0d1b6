//! Cross-entropy of next tokens, weighted, with a fused backward; and the same from the hidden state, where the logits of all
//! positions never exist at once.

use candle_core::{D, DType, Result, Tensor};
use rayon::prelude::*;

use super::{
    add::{accumulate, update},
    cpu, node,
};

/// Mean over rows of `-log softmax(logits)[target]`, weighted: `logits [n, v]`, `targets [n]` u32, `weights [n]` f32 to a scalar
/// f32. Rows of weight 0 count for nothing.
///
/// # Errors
/// When shapes do not fit, a target is not below `v`, a weight is negative or not finite, or all are 0.
pub fn cross_entropy(logits: &Tensor, targets: &Tensor, weights: &Tensor) -> Result<Tensor> {
    let labels = Labels::new(targets, weights, logits.dims2()?)?;
    // Overwritten by the gradient: the one buffer besides the logits.
    let work = cpu::wide(&logits.detach())?.copy()?;
    let value = scalar(labels.loss_and_gradient(&work)?, logits)?;
    if !logits.track_op() {
        return Ok(value);
    }
    let dtype = logits.dtype();
    let backward = move |_: &Tensor, g: &Tensor| Ok([Some(scaled(&work, g)?.to_dtype(dtype)?)]);
    node::node1("cross_entropy", logits, value, Box::new(backward))
}

/// `cross_entropy(linear(hidden, w), targets, weights)` with `hidden [n, d]` and `w [v, d]` (frozen weights of another type are
/// widened), for a part of the rows at a time:
/// the gradient of `hidden` (and of `w` when it is trained) is made in the same pass, and rows of weight 0 are left out.
///
/// # Errors
/// See [`cross_entropy`].
pub fn linear_cross_entropy(hidden: &Tensor, w: &Tensor, targets: &Tensor, weights: &Tensor) -> Result<Tensor> {
    let (n, _) = hidden.dims2()?;
    let labels = Labels::new(targets, weights, (n, w.dim(0)?))?;
    let track = (hidden.track_op(), w.track_op());
    let (loss, dx, dw) = head(&hidden.detach(), &w.detach().to_dtype(hidden.dtype())?, &labels, track)?;
    let value = scalar(loss, hidden)?;
    if track == (false, false) {
        return Ok(value);
    }
    let backward = move |_: &Tensor, g: &Tensor| {
        let scale = |d: &Option<Tensor>| d.as_ref().map(|d| scaled(d, g)).transpose();
        Ok([scale(&dx)?, scale(&dw)?])
    };
    node::node2("linear_cross_entropy", [hidden, w], value, Box::new(backward))
}

/// The loss as a tensor: f32, or f64 where everything is.
fn scalar(loss: f64, like: &Tensor) -> Result<Tensor> {
    let dtype = if like.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
    Tensor::new(loss, like.device())?.to_dtype(dtype)
}

/// Loss, gradient of the hidden state and of the head.
type HeadGradients = (f64, Option<Tensor>, Option<Tensor>);

fn head(hidden: &Tensor, w: &Tensor, labels: &Labels, track: (bool, bool)) -> Result<HeadGradients> {
    /// Logits alive at a time: 64 MiB of f32.
    const LOGITS: usize = 1 << 24;
    let used = labels.used();
    let all = used.len() == labels.targets.len();
    let picked = if all { hidden.contiguous()? } else { hidden.index_select(&index(&used, hidden)?, 0)? };
    let step = (LOGITS / labels.vocabulary).clamp(16, 1 << 14);
    let (mut loss, mut parts, mut dw) = (0f64, Vec::new(), None::<Tensor>);
    for start in (0..used.len()).step_by(step) {
        let range = start..(start + step).min(used.len());
        let x = picked.narrow(0, range.start, range.len())?;
        let logits = cpu::wide(&x.matmul(&w.t()?)?)?;
        loss += labels.select(&used[range]).loss_and_gradient(&logits)?;
        let d = logits.to_dtype(x.dtype())?;
        if track.0 {
            parts.push(d.matmul(w)?);
        }
        if track.1 {
            let part = d.t()?.matmul(&x)?;
            dw = Some(match dw {
                Some(sum) => accumulate(sum, &part)?,
                None => part,
            });
        }
    }
    if !track.0 {
        return Ok((loss, None, dw));
    }
    let dx = Tensor::cat(&parts, 0)?;
    let dx = if all { dx } else { hidden.zeros_like()?.index_add(&index(&used, hidden)?, &dx, 0)? };
    Ok((loss, Some(dx), dw))
}

fn index(used: &[usize], like: &Tensor) -> Result<Tensor> {
    Tensor::from_iter(used.iter().map(|&i| i as u32), like.device())
}

/// `d` times the gradient of the loss, which is a scalar and nearly always 1.
fn scaled(d: &Tensor, g: &Tensor) -> Result<Tensor> {
    let g = g.to_dtype(DType::F64)?.to_scalar::<f64>()?;
    if (g - 1.0).abs() < f64::EPSILON { Ok(d.clone()) } else { d.affine(g, 0.0) }
}

/// Targets and the share of each row in the mean.
struct Labels {
    targets: Vec<u32>,
    shares: Vec<f32>,
    vocabulary: usize,
}

impl Labels {
    fn new(targets: &Tensor, weights: &Tensor, (n, vocabulary): (usize, usize)) -> Result<Self> {
        let targets = targets.to_vec1::<u32>()?;
        let weights = weights.to_vec1::<f32>()?;
        if targets.len() != n || weights.len() != n {
            candle_core::bail!("{n} rows, {} targets and {} weights", targets.len(), weights.len());
        }
        if let Some(row) = weights.iter().position(|w| !w.is_finite() || *w < 0.0) {
            candle_core::bail!("the weight of row {row} is {}", weights[row]);
        }
        if let Some(row) = (0..n).find(|&i| weights[i] > 0.0 && targets[i] as usize >= vocabulary) {
            candle_core::bail!("the target of row {row} is {}, the vocabulary has {vocabulary} entries", targets[row]);
        }
        let total: f64 = weights.iter().map(|&w| f64::from(w)).sum();
        if total == 0.0 {
            candle_core::bail!("no row has a weight above 0");
        }
        let shares = weights.iter().map(|&w| (f64::from(w) / total) as f32).collect();
        Ok(Self { targets, shares, vocabulary })
    }

    /// Rows that carry loss.
    fn used(&self) -> Vec<usize> {
        (0..self.targets.len()).filter(|&i| self.shares[i] > 0.0).collect()
    }

    fn select(&self, rows: &[usize]) -> Self {
        let targets = rows.iter().map(|&i| self.targets[i]).collect();
        let shares = rows.iter().map(|&i| self.shares[i]).collect();
        Self { targets, shares, vocabulary: self.vocabulary }
    }

    /// The loss; the f32 logits are overwritten with their gradient, `share (softmax - one at the target)`.
    fn loss_and_gradient(&self, logits: &Tensor) -> Result<f64> {
        if !cpu::applies(&[logits]) {
            return self.loss_and_gradient_composed(logits);
        }
        let mut losses = vec![0f64; self.targets.len()];
        update(logits, |logits| {
            let rows = logits.par_chunks_mut(self.vocabulary).zip(&self.targets).zip(&self.shares);
            rows.zip(&mut losses).for_each(|(((row, &target), &share), loss)| *loss = row_loss(row, target as usize, share));
        })?;
        Ok(losses.iter().sum())
    }

    fn loss_and_gradient_composed(&self, logits: &Tensor) -> Result<f64> {
        let device = logits.device();
        let n = self.targets.len();
        // A row without weight may have a target outside the vocabulary (padding).
        let targets = self.targets.iter().map(|&t| if (t as usize) < self.vocabulary { t } else { 0 });
        let targets = Tensor::from_iter(targets, device)?.reshape((n, 1))?;
        let shares = Tensor::from_slice(&self.shares, (n, 1), device)?.to_dtype(logits.dtype())?;
        let shifted = logits.broadcast_sub(&logits.max_keepdim(D::Minus1)?)?;
        let sum = shifted.exp()?.sum_keepdim(D::Minus1)?;
        let loss = ((sum.log()? - shifted.gather(&targets, 1)?)? * &shares)?.sum_all()?.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        let d = shifted.exp()?.broadcast_div(&sum)?.broadcast_mul(&shares)?;
        let d = d.scatter_add(&targets, &shares.neg()?, 1)?;
        logits.slice_set(&d, 0, 0)?;
        Ok(loss)
    }
}

/// One row: its share of the loss, with the gradient left in the row.
fn row_loss(row: &mut [f32], target: usize, share: f32) -> f64 {
    if share == 0.0 {
        row.fill(0.0);
        return 0.0;
    }
    let top = cpu::max(row);
    let at_target = row[target] - top;
    for x in row.iter_mut() {
        *x = cpu::exp(*x - top);
    }
    let sum = cpu::sum(row, |x| x);
    let scale = share / sum;
    for x in row.iter_mut() {
        *x *= scale;
    }
    row[target] -= share;
    f64::from(share) * f64::from(sum.ln() - at_target)
}
