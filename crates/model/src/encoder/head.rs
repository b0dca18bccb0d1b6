//! The classification head: a dense layer over the first token, and one logit a label.

use candle_core::Tensor;

use super::{Activation, Dense, activation};
use crate::Result;

#[derive(Debug)]
pub(super) struct Head {
    pub(super) pooler: Dense,
    pub(super) activation: Activation,
    pub(super) classifier: Dense,
}

impl Head {
    /// `[sequences, hidden]` to `[sequences, labels]`.
    pub(super) fn forward(&self, firsts: &Tensor) -> Result<Tensor> {
        let pooled = activation::biased(self.pooler.product(firsts)?, &self.pooler.bias, self.activation)?;
        self.classifier.forward(&pooled)
    }
}
