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
    let half = |(name, tensor): (String, Tensor)| Ok::<_, Error>((name, tensor.detach().to_dtype(DType::F16)?));
    let tensors = model.parameters().into_iter().map(half).collect::<Result<Vec<_>>>()?;
    let config = folder.join("config.json");
    let text = format!("{:#}\n", model.config().to_hf_json("float16")?);
    std::fs::write(&config, text).map_err(|e| Error::io("write", &config, e))?;
    Ok(safetensors::write(&folder.join("model.safetensors"), &tensors, &BTreeMap::new())?)
}
