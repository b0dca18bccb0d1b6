//! The token embedding: dense, or quantised and then never held dequantised (only the rows asked for are).

use std::sync::Arc;

use candle_core::quantized::QTensor;
use candle_core::{DType, Tensor, Var};

use crate::{Error, Linear, Result};

#[derive(Debug)]
pub(crate) enum Embedding {
    /// `[vocab, d]`.
    Dense(Tensor),
    /// The same in blocks.
    Quantised(Arc<QTensor>),
}

impl Embedding {
    pub(super) fn forward(&self, ids: &Tensor, dtype: DType) -> Result<Tensor> {
        let (batch, length) = ids.dims2()?;
        match self {
            Self::Dense(weight) => {
                let rows = weight.index_select(&ids.flatten_all()?, 0)?;
                Ok(rows.reshape((batch, length, weight.dim(1)?))?.to_dtype(dtype)?)
            }
            Self::Quantised(weight) => Ok(weight.embedding(ids)?.to_dtype(dtype)?),
        }
    }

    /// The same tensor as the output head.
    pub(super) fn as_head(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Dense(weight) => Linear::Dense { weight: weight.clone(), bias: None }.forward(x),
            Self::Quantised(weight) => Linear::Quantised { weight: weight.clone(), bias: None }.forward(x),
        }
    }

    pub(super) fn weight_bytes(&self) -> u64 {
        match self {
            Self::Dense(weight) => super::tensor_bytes(weight),
            Self::Quantised(weight) => weight.storage_size_in_bytes() as u64,
        }
    }

    pub(super) fn train(&mut self, name: &str, dtype: DType, vars: &mut Vec<(String, Var)>) -> Result<()> {
        match self {
            Self::Dense(weight) => super::train(name, weight, dtype, vars),
            Self::Quantised(_) => Err(Error::Untrainable { name: name.to_owned(), kind: "quantised", action: "be trained as a whole" }),
        }
    }
}
