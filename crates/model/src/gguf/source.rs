//! A GGUF file as a source of weights: Hugging Face names and row order outside, GGUF's inside.

use std::borrow::Cow;
use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{DType, Device};

use super::{File, Kind, TensorInfo, layout};
use crate::decoder::{Compute, Source, Weight};
use crate::{Config, Error, Result, floats};

/// A file, the configuration it states, and where its weights go.
pub(crate) struct GgufSource<'a> {
    file: &'a File,
    config: Config,
    device: Device,
}

impl File {
    /// The configuration that the metadata and the tensors' shapes state.
    ///
    /// # Errors
    /// When the architecture is not known, a key is missing, or a value is not supported or makes no sense.
    pub fn config(&self) -> Result<Config> {
        self.read_config().map_err(|e| e.in_file(&self.path))
    }

    fn read_config(&self) -> Result<Config> {
        let divisors = match self.tensor(layout::ROPE_DIVISORS) {
            Some(tensor) if tensor.kind == Kind::F32 => {
                Some(self.bytes(tensor)?.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
            }
            Some(tensor) => return Err(Error::UnsupportedType { tensor: tensor.name.clone(), found: tensor.kind.name().to_owned() }),
            None => None,
        };
        Config::from_gguf(&self.header, divisors)
    }

    pub(crate) fn source(&self, device: &Device) -> Result<GgufSource<'_>> {
        let config = self.config()?;
        let beyond = format!("blk.{}.", config.layers);
        if let Some(tensor) = self.tensors().iter().find(|t| t.name.starts_with(&beyond)) {
            return Err(Error::UnexpectedTensor { name: tensor.name.clone() }.in_file(&self.path));
        }
        Ok(GgufSource { file: self, config, device: device.clone() })
    }
}

impl GgufSource<'_> {
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The tensor's bytes with its rows in Hugging Face order. Rows are whole numbers of blocks, so that quantised ones can be moved too.
    fn bytes(&self, name: &str, tensor: &TensorInfo) -> Result<Cow<'_, [u8]>> {
        let bytes = self.file.bytes(tensor)?;
        let Some(heads) = layout::interleaved_heads(&self.config, name) else { return Ok(Cow::Borrowed(bytes)) };
        let rows = tensor.shape[0];
        let width = tensor.bytes / rows;
        let order = layout::rows_in_gguf(heads, rows);
        let moved = order.into_iter().flat_map(|row| &bytes[row as usize * width..(row as usize + 1) * width]);
        Ok(Cow::Owned(moved.copied().collect()))
    }
}

impl Source for GgufSource<'_> {
    fn weight(&self, name: &str, shape: &[usize], compute: Compute) -> Result<Option<Weight>> {
        let Some(tensor) = layout::gguf_name(name).and_then(|n| self.file.tensor(&n)) else { return Ok(None) };
        if tensor.shape != shape {
            return Err(Error::ShapeMismatch { name: tensor.name.clone(), expected: shape.to_vec(), got: tensor.shape.clone() });
        }
        let bytes = self.bytes(name, tensor)?;
        let dense = |stored| Ok(Some(Weight::Dense(floats::tensor(name, &bytes, stored, compute, shape, &self.device)?)));
        let ggml = match tensor.kind {
            Kind::F32 => return dense(DType::F32),
            Kind::F16 => return dense(DType::F16),
            Kind::BF16 => return dense(DType::BF16),
            Kind::Q4_0 => GgmlDType::Q4_0,
            Kind::Q8_0 => GgmlDType::Q8_0,
            Kind::Q4K => GgmlDType::Q4K,
            Kind::Q6K => GgmlDType::Q6K,
        };
        let storage = QStorage::from_data(bytes, &self.device, ggml)?;
        Ok(Some(Weight::Quantised(Arc::new(QTensor::new(storage, shape)?))))
    }
}
