//! Training every parameter of a dense model, for models that are small enough to be made from nothing; and writing them.

use std::collections::BTreeMap;
use std::path::Path;

use model::{
    Decoder,
    ops::Draw,
    safetensors,
    tensor::{DType, Tensor, Var},
};

use crate::{
    Error, Result,
    corpus::Batch,
    event::Observer,
    train::{Outcome, Settings, train},
};

/// Largest number that f16 holds.
const LARGEST_F16: f32 = 65_504.0;

/// Trains all weights of a dense f32 model: each item of `steps` is the batches of one optimiser step. See [`train`].
///
/// # Errors
/// As of [`train`]; and when a weight is not dense in f32.
pub fn train_all(
    model: &mut Decoder,
    steps: impl Iterator<Item = Vec<Batch>>,
    total: u64,
    settings: &Settings,
    observer: &dyn Observer,
) -> Result<Outcome> {
    let variables: Vec<(String, Var)> = model.train_all()?;
    train(model, &variables, &Draw::default(), steps, total, settings, observer)
}

/// Writes `config.json` and `model.safetensors` in f16 to a folder that exists. The tokenizer's files are the caller's.
///
/// # Errors
/// When the files cannot be written, or a weight is beyond the range of f16.
pub fn save(model: &Decoder, folder: &Path) -> Result<()> {
    let tensors = model.parameters().into_iter().map(half).collect::<Result<Vec<_>>>()?;
    let config = folder.join("config.json");
    let text = format!("{:#}\n", model.config().to_hf_json("float16")?);
    std::fs::write(&config, text).map_err(|e| Error::io("write", &config, e))?;
    Ok(safetensors::write(&folder.join("model.safetensors"), &tensors, &BTreeMap::new())?)
}

/// A weight in f16. What is beyond its range would become infinite, and is an error.
fn half((name, tensor): (String, Tensor)) -> Result<(String, Tensor)> {
    let tensor = tensor.detach();
    let largest = tensor.abs()?.max_all()?.to_dtype(DType::F32)?.to_scalar::<f32>()?;
    if largest > LARGEST_F16 {
        return Err(model::Error::F16Overflow { name }.into());
    }
    Ok((name, tensor.to_dtype(DType::F16)?))
}
