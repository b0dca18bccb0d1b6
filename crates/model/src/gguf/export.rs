//! A whole model to a GGUF file: names, row order and metadata as llama.cpp expects them, matrices in one format where their width allows it.

use std::path::Path;

use candle_core::{Device, Tensor};

use super::{Entry, Kind, Metadata, Writer, layout};
use crate::decoder::names;
use crate::quant::{self, Format};
use crate::{Config, Error, Result, RopeScaling};

/// A tensor as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its Hugging Face name.
    pub name: String,
    /// The format it was asked to have: the model's for matrices, F32 for norms and biases.
    pub asked: Format,
    /// The format it has.
    pub used: Format,
    /// Its bytes.
    pub bytes: u64,
}

/// What a file is made of beside the weights.
#[derive(Clone, Copy, Debug)]
pub struct Export<'a> {
    /// The model's shape and constants.
    pub config: &'a Config,
    /// Further pairs (tokenizer, name), which go before what the configuration says.
    pub metadata: &'a Metadata,
    /// The format of the matrices.
    pub format: Format,
}

/// Writes a model. Weights are taken from `weight` by Hugging Face name, one at a time; `observe` is told of each tensor when it has been
/// written.
///
/// # Errors
/// When a weight cannot be had, has another shape or cannot be quantised, or the file cannot be written.
pub fn export(
    path: &Path,
    export: Export<'_>,
    mut weight: impl FnMut(&str) -> Result<Tensor>,
    mut observe: impl FnMut(&Written),
) -> Result<Vec<Written>> {
    let Export { config, metadata, format } = export;
    config.check()?;
    let mut pairs = config.to_gguf(format);
    for (key, value) in metadata.iter() {
        pairs.insert(key, value.clone());
    }
    let plan = plan(config, format);
    let mut entries = Vec::new();
    let divisors = stretched(config);
    if let Some(divisors) = &divisors {
        entries.push(Entry { name: layout::ROPE_DIVISORS.to_owned(), kind: Kind::F32, shape: vec![divisors.len()] });
    }
    for (written, shape) in &plan {
        let name = layout::gguf_name(&written.name).ok_or_else(|| Error::MissingTensor { name: written.name.clone() })?;
        entries.push(Entry { name, kind: written.used.into(), shape: shape.clone() });
    }
    let mut writer = Writer::create(path, &pairs, entries)?;
    if let Some(divisors) = divisors {
        writer.push(&divisors.into_iter().flat_map(f32::to_le_bytes).collect::<Vec<_>>())?;
    }
    for (written, shape) in &plan {
        let tensor = weight(&written.name)?;
        if tensor.dims() != shape.as_slice() {
            return Err(Error::ShapeMismatch { name: written.name.clone(), expected: shape.clone(), got: tensor.dims().to_vec() });
        }
        let tensor = interleaved(config, &written.name, tensor)?;
        writer.push(&quant::quantise(&written.name, &tensor, written.used)?.bytes)?;
        observe(written);
    }
    writer.finish()?;
    Ok(plan.into_iter().map(|(written, _)| written).collect())
}

/// The divisors of the rotary frequencies, unless nothing is divided.
fn stretched(config: &Config) -> Option<Vec<f32>> {
    (config.rope_scaling != RopeScaling::None).then(|| config.rope_divisors())
}

/// What each tensor will be written as.
fn plan(config: &Config, format: Format) -> Vec<(Written, Vec<usize>)> {
    let row = |(name, shape): (String, Vec<usize>)| {
        let asked = if shape.len() == 1 { Format::F32 } else { format };
        let used = asked.fitting(shape.last().copied().unwrap_or(1));
        let bytes = Kind::from(used).bytes(&shape).map_or(0, |n| n as u64);
        (Written { name, asked, used, bytes }, shape)
    };
    names::tensors(config).into_iter().map(row).collect()
}

/// The tensor with its rows in GGUF's order.
fn interleaved(config: &Config, name: &str, tensor: Tensor) -> Result<Tensor> {
    let Some(heads) = layout::interleaved_heads(config, name) else { return Ok(tensor) };
    let order = layout::rows_in_hf(heads, tensor.dim(0)?);
    let order = Tensor::new(order, &Device::Cpu)?;
    Ok(tensor.to_device(&Device::Cpu)?.index_select(&order, 0)?)
}

impl From<Format> for Kind {
    fn from(format: Format) -> Self {
        match format {
            Format::F32 => Self::F32,
            Format::F16 => Self::F16,
            Format::Q8_0 => Self::Q8_0,
            Format::Q4_0 => Self::Q4_0,
            Format::Q4K => Self::Q4K,
        }
    }
}
