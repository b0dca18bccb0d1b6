//! What other rooms need of candle, under one name; nothing here is ours.

pub use candle_core::backprop::GradStore;
pub use candle_core::quantized::{GgmlDType, QTensor};
pub use candle_core::{D, DType, Device, Error, IndexOp, Result, Shape, Tensor, TensorId, Var, WithDType};
