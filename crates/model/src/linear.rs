//! A linear layer, whatever its weights are stored as: the enum that keeps the decoder free of such questions.
//!
//! Not here: the arithmetic of training (`ops`), the NF4 code (`nf4`), the file formats.

use std::sync::Arc;

use candle_core::quantized::QTensor;
use candle_core::{D, DType, Device, Tensor, Var};

use crate::nf4::{self, Nf4};
use crate::ops::{self, FrozenWeight};
use crate::{Error, Result, matvec};

/// `y = x Wᵀ + bias`, for x of shape `[.., k]` and W of shape `[n, k]`.
#[derive(Clone, Debug)]
pub enum Linear {
    /// Weights as numbers of 16 or 32 bits.
    Dense {
        /// `[n, k]`; the tensor of a variable is trained.
        weight: Tensor,
        /// `[n]`.
        bias: Option<Tensor>,
    },
    /// Weights in blocks of `Q8_0`, `Q4_K` and the like, always frozen.
    Quantised {
        /// `[n, k]`.
        weight: Arc<QTensor>,
        /// `[n]`.
        bias: Option<Tensor>,
    },
    /// Weights in 4-bit `NormalFloat`, dequantised on the fly: the frozen base of `QLoRA`.
    Nf4 {
        /// `[n, k]`.
        weight: Arc<Nf4>,
        /// `[n]`.
        bias: Option<Tensor>,
    },
    /// A frozen base and a low-rank update of it.
    Lora {
        /// What is adapted; no adapter itself.
        base: Box<Linear>,
        /// A, B, scale and dropout.
        update: ops::Lora,
    },
}

impl Linear {
    /// `[.., k]` to `[.., n]`. Gradients flow to x, to adapters and to weights that are variables; none is computed for other weights.
    ///
    /// # Errors
    /// When shapes do not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = match self {
            Self::Dense { weight, .. } if x.track_op() || weight.track_op() => ops::linear(x, weight)?,
            Self::Dense { weight, .. } => matvec::linear(x, weight)?,
            Self::Quantised { weight, .. } if x.track_op() => ops::frozen_linear(x, &frozen(weight))?,
            Self::Quantised { weight, .. } => x.apply_op1_no_bwd(weight.as_ref())?,
            Self::Nf4 { weight, .. } => nf4::linear(x, weight)?,
            Self::Lora { base, update } if [x, &update.a, &update.b].iter().any(|t| t.track_op()) => {
                ops::lora_linear(x, &base.frozen(), update)?
            }
            Self::Lora { base, update } => {
                let low = matvec::linear(x, &update.a)?;
                return Ok((base.forward(x)? + (matvec::linear(&low, &update.b)? * update.scale)?)?);
            }
        };
        add_bias(y, self.bias())
    }

    /// Puts an adapter on the layer, in place of one that is there.
    pub fn adapt(&mut self, update: ops::Lora) {
        let base = Box::new(self.base().clone());
        *self = Self::Lora { base, update };
    }

    /// The bias, `[n]`; an adapted layer has that of its base.
    pub fn bias(&self) -> Option<&Tensor> {
        match self.base() {
            Self::Dense { bias, .. } | Self::Quantised { bias, .. } | Self::Nf4 { bias, .. } => bias.as_ref(),
            Self::Lora { .. } => None,
        }
    }

    /// The layer below an adapter, or the layer itself.
    pub fn base(&self) -> &Self {
        match self {
            Self::Lora { base, .. } => base.base(),
            other => other,
        }
    }

    /// Output and input width, `(n, k)`.
    ///
    /// # Errors
    /// When the weight is no matrix.
    pub fn shape(&self) -> Result<(usize, usize)> {
        match self.base() {
            Self::Dense { weight, .. } => Ok(weight.dims2()?),
            Self::Quantised { weight, .. } => Ok(weight.shape().dims2()?),
            Self::Nf4 { weight, .. } => Ok(weight.shape()),
            Self::Lora { update, .. } => Ok((update.b.dim(0)?, update.a.dim(1)?)),
        }
    }

    /// Logical bytes held for weights, bias and adapter.
    pub fn weight_bytes(&self) -> u64 {
        let bytes = crate::decoder::tensor_bytes;
        let of_bias = |bias: &Option<Tensor>| bias.as_ref().map_or(0, bytes);
        match self {
            Self::Dense { weight, bias } => bytes(weight) + of_bias(bias),
            Self::Quantised { weight, bias } => weight.storage_size_in_bytes() as u64 + of_bias(bias),
            Self::Nf4 { weight, bias } => weight.bytes() as u64 + of_bias(bias),
            Self::Lora { base, update } => base.weight_bytes() + bytes(&update.a) + bytes(&update.b),
        }
    }

    /// Makes weight and bias variables.
    pub(crate) fn train(&mut self, name: &str, dtype: DType, vars: &mut Vec<(String, Var)>) -> Result<()> {
        let kind = self.kind();
        let Self::Dense { weight, bias } = self else {
            return Err(Error::Untrainable { name: name.to_owned(), kind, action: "be trained as a whole" });
        };
        crate::decoder::train(&format!("{name}.weight"), weight, dtype, vars)?;
        match bias {
            Some(bias) => crate::decoder::train(&format!("{name}.bias"), bias, dtype, vars),
            None => Ok(()),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Dense { .. } => "dense",
            Self::Quantised { .. } => "quantised",
            Self::Nf4 { .. } => "NF4",
            Self::Lora { .. } => "LoRA",
        }
    }

    fn frozen(&self) -> Arc<dyn FrozenWeight> {
        match self.base() {
            Self::Dense { weight, .. } => Arc::new(weight.clone()),
            Self::Quantised { weight, .. } => frozen(weight),
            Self::Nf4 { weight, .. } => weight.clone(),
            Self::Lora { base, .. } => base.frozen(),
        }
    }
}

/// Quantised blocks, dequantised for each product of training.
struct Blocks(Arc<QTensor>);

impl FrozenWeight for Blocks {
    fn dense(&self, dtype: DType, device: &Device) -> candle_core::Result<Tensor> {
        self.0.dequantize(device)?.to_dtype(dtype)
    }
}

fn frozen(weight: &Arc<QTensor>) -> Arc<dyn FrozenWeight> {
    Arc::new(Blocks(weight.clone()))
}

/// Several layers on one input. In decode, quantised layers of one format share the quantisation of x and one parallel region.
pub(crate) fn forward_all<const N: usize>(layers: [&Linear; N], x: &Tensor) -> Result<[Tensor; N]> {
    if let Some(outputs) = fused(&layers, x)? {
        return Ok(outputs);
    }
    let outputs = layers.into_iter().map(|layer| layer.forward(x)).collect::<Result<Vec<_>>>()?;
    Ok(outputs.try_into().expect("one output a layer"))
}

/// Rows of x up to which the shared product pays: beyond, candle's product of many rows has kernels of its own.
const FUSED_ROWS: usize = 8;

fn fused<const N: usize>(layers: &[&Linear; N], x: &Tensor) -> Result<Option<[Tensor; N]>> {
    if x.track_op() || x.elem_count() / x.dim(D::Minus1)? > FUSED_ROWS {
        return Ok(None);
    }
    let mut weights = Vec::with_capacity(N);
    let mut biases = Vec::with_capacity(N);
    for layer in layers {
        let Linear::Quantised { weight, bias } = layer else { return Ok(None) };
        weights.push(weight.as_ref());
        biases.push(bias.as_ref());
    }
    let Some(outputs) = QTensor::gemv_fused_shared_lhs(&weights, x)? else { return Ok(None) };
    let outputs = outputs.into_iter().zip(biases).map(|(y, bias)| add_bias(y, bias)).collect::<Result<Vec<_>>>()?;
    Ok(Some(outputs.try_into().expect("one output a layer")))
}

fn add_bias(y: Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    match bias {
        Some(bias) => Ok(ops::add_bias(&y, bias)?),
        None => Ok(y),
    }
}
