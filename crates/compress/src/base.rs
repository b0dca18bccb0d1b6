//! The model folder that a stage starts from: configuration and weights, checked against each other.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use model::decoder;
use model::safetensors::Folder;
use model::tensor::{Device, Tensor};
use model::{Compute, Config};

use crate::{Error, Result};

/// An opened model folder. Its files are mapped; tensors are read when they are asked for.
pub(crate) struct Base {
    pub(crate) path: PathBuf,
    pub(crate) config: Config,
    /// Every tensor with its shape, in the model's order.
    pub(crate) tensors: Vec<(String, Vec<usize>)>,
    folder: Folder,
}

impl Base {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let config = Config::from_folder(path)?;
        let folder = Folder::open(path)?;
        let tensors = decoder::tensors(&config);
        let known: HashSet<&str> = tensors.iter().map(|(name, _)| name.as_str()).collect();
        // Files may carry a tied head again, and buffers of old writers; further layers are another model.
        let passed_over = |name: &str| name == "lm_head.weight" || name.ends_with("inv_freq");
        if let Some(tensor) = folder.names().into_iter().find(|name| !known.contains(name.as_str()) && !passed_over(name)) {
            return Err(Error::UnusedWeights { model: path.to_owned(), tensor });
        }
        Ok(Self { path: path.to_owned(), config, tensors, folder })
    }

    /// The shape of a tensor; `None` when the model has none of that name.
    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        let (_, shape) = self.tensors.iter().find(|(known, _)| known == name)?;
        Some(shape)
    }

    /// One tensor on the CPU, its shape checked.
    pub(crate) fn tensor(&self, name: &str, compute: Compute) -> model::Result<Tensor> {
        let tensor = self.folder.tensor(name, compute, &Device::Cpu)?;
        match self.shape(name) {
            Some(shape) if shape != tensor.dims() => {
                Err(model::Error::ShapeMismatch { name: name.to_owned(), expected: shape.to_vec(), got: tensor.dims().to_vec() })
            }
            _ => Ok(tensor),
        }
    }
}
