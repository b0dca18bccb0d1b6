//! The gradient of a batch, with the activations kept or with each block run again.

use model::{
    Decoder, Positions, ops,
    tensor::{GradStore, Tensor, Var},
};

use crate::{Error, Result, corpus::Batch};

/// Sums gradients of batches.
pub struct Gradients<'a> {
    model: &'a Decoder,
    variables: &'a [(String, Var)],
    checkpointing: bool,
    sums: Vec<Option<Tensor>>,
}

/// The tensors of a batch.
struct Inputs {
    ids: Tensor,
    targets: Tensor,
    weights: Tensor,
    positions: Positions,
}

impl<'a> Gradients<'a> {
    /// Sums for these variables of the model, nothing yet.
    pub fn new(model: &'a Decoder, variables: &'a [(String, Var)], checkpointing: bool) -> Self {
        Self { model, variables, checkpointing, sums: vec![None; variables.len()] }
    }

    /// Adds `share` times the gradient of the batch's mean loss, and gives that loss.
    ///
    /// # Errors
    /// When the batch does not fit the model, has no loss tokens, or an operation fails.
    pub fn add(&mut self, batch: &Batch, share: f64) -> Result<f64> {
        let [ids, targets, weights] = batch.tensors(self.model.device())?;
        let inputs = Inputs { ids, targets, weights, positions: batch.positions(self.model)? };
        if self.checkpointing { self.add_recomputed(&inputs, share) } else { self.add_kept(&inputs, share) }
    }

    /// The sums, in the order of the variables.
    ///
    /// # Errors
    /// [`Error::NoGradient`] when one got none.
    pub fn finish(self) -> Result<Vec<Option<Tensor>>> {
        match self.variables.iter().zip(&self.sums).find(|(_, sum)| sum.is_none()) {
            Some(((name, _), _)) => Err(Error::NoGradient { name: name.clone() }),
            None => Ok(self.sums),
        }
    }

    fn add_kept(&mut self, inputs: &Inputs, share: f64) -> Result<f64> {
        let mut x = self.model.embed(&inputs.ids)?;
        for index in 0..self.model.blocks() {
            x = self.model.block(index, &x, &inputs.positions)?;
        }
        let loss = loss(self.model, &x, inputs)?;
        self.collect((&loss * share)?.backward()?)?;
        scalar(&loss)
    }

    /// Gradient checkpointing (Chen et al. 2016, arXiv 1604.06174), a block at a time: only the inputs of the blocks are kept.
    fn add_recomputed(&mut self, inputs: &Inputs, share: f64) -> Result<f64> {
        let mut kept = Vec::with_capacity(self.model.blocks());
        let mut x = self.model.embed(&inputs.ids)?.detach();
        for index in 0..self.model.blocks() {
            kept.push(x.clone());
            x = self.model.block(index, &x, &inputs.positions)?.detach();
        }
        let top = Var::from_tensor(&x)?;
        let loss = loss(self.model, &top, inputs)?;
        let mut store = (&loss * share)?.backward()?;
        let mut gradient = taken(&mut store, &top, "the last block")?;
        self.collect(store)?;
        for (index, x) in kept.into_iter().enumerate().skip(1).rev() {
            let x = Var::from_tensor(&x)?;
            let y = self.model.block(index, &x, &inputs.positions)?;
            let mut store = ops::seeded(&y, &gradient)?.backward()?;
            gradient = taken(&mut store, &x, "a block")?;
            self.collect(store)?;
        }
        // The embedding is run again too: when it is trained, the first block's gradient goes on into it.
        let x = self.model.embed(&inputs.ids)?;
        let y = self.model.block(0, &x, &inputs.positions)?;
        self.collect(ops::seeded(&y, &gradient)?.backward()?)?;
        scalar(&loss)
    }

    fn collect(&mut self, mut store: GradStore) -> Result<()> {
        for ((_, var), sum) in self.variables.iter().zip(&mut self.sums) {
            let Some(gradient) = store.remove(var) else { continue };
            *sum = Some(match sum.take() {
                Some(sum) => ops::accumulate(sum, &gradient)?,
                None => gradient,
            });
        }
        Ok(())
    }
}

/// Mean loss of the batch from the last block's output, `[b, t, d]`.
fn loss(model: &Decoder, x: &Tensor, inputs: &Inputs) -> Result<Tensor> {
    let Some(head) = model.head_weight() else {
        let logits = model.logits(x)?.flatten_to(1)?;
        return Ok(ops::cross_entropy(&logits, &inputs.targets, &inputs.weights)?);
    };
    let hidden = model.final_norm(x)?.flatten_to(1)?;
    Ok(ops::linear_cross_entropy(&hidden, head, &inputs.targets, &inputs.weights)?)
}

fn taken(store: &mut GradStore, var: &Var, name: &str) -> Result<Tensor> {
    store.remove(var).ok_or_else(|| Error::NoGradient { name: name.to_owned() })
}

fn scalar(loss: &Tensor) -> Result<f64> {
    Ok(f64::from(loss.to_scalar::<f32>()?))
}
