//! Adapters on disk, in the folder format of Hugging Face PEFT: `adapter_config.json` and `adapter_model.safetensors`.
//!
//! Read are plain LoRA adapters of linear layers; variants that mean something else (`DoRA`, rank-stabilised scaling, trained
//! biases or whole modules) are refused by name. Not here: attaching (`lora`), merging (`compress`).

mod config;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use model::{
    Compute, safetensors,
    tensor::{DType, Device, Tensor},
};

use crate::{
    Error, Result,
    lora::{Adapter, Config},
};

/// Name of the configuration.
pub const CONFIG_FILE: &str = "adapter_config.json";
/// Name of the weights.
pub const WEIGHTS_FILE: &str = "adapter_model.safetensors";

/// What PEFT puts before the names of the base model.
const PREFIX: &str = "base_model.model.";

/// An adapter as read.
#[derive(Clone, Debug)]
pub struct Peft {
    /// Rank, scale and targets.
    pub config: Config,
    /// In the order of their names.
    pub modules: Vec<Update>,
}

/// The update of one linear layer, `scale · B A`.
#[derive(Clone, Debug)]
pub struct Update {
    /// As the base model names it: `model.layers.0.self_attn.q_proj`.
    pub name: String,
    /// `[r, k]`, as stored.
    pub a: Tensor,
    /// `[n, r]`, as stored.
    pub b: Tensor,
}

impl Peft {
    /// `alpha / rank`: what `B A` is multiplied by.
    pub fn scale(&self) -> f64 {
        self.config.alpha / self.config.rank as f64
    }
}

/// Reads an adapter folder. Names, shapes and ranks are checked against each other; the model is not needed.
///
/// # Errors
/// When a file is missing or malformed, or the adapter is of a kind that is not supported.
pub fn read(folder: &Path) -> Result<Peft> {
    let config = config::read(&folder.join(CONFIG_FILE))?;
    let path = folder.join(WEIGHTS_FILE);
    let file = safetensors::File::open(&path)?;
    let mut halves: BTreeMap<String, [Option<Tensor>; 2]> = BTreeMap::new();
    for key in file.names() {
        let unsupported = || Error::PeftUnsupported { path: path.clone(), key: "tensor".to_owned(), value: key.clone() };
        let (name, half) = split(&key).ok_or_else(unsupported)?;
        let shape = file.shape(&key).unwrap_or_default();
        let rank = if half == 0 { shape.first() } else { shape.get(1) };
        if shape.len() != 2 || rank != Some(&config.rank) {
            return Err(misfit(&path, format!("{key} has the shape {shape:?}, the rank is {}", config.rank)));
        }
        halves.entry(name.to_owned()).or_default()[half] = Some(file.tensor(&key, Compute::Auto, &Device::Cpu)?);
    }
    let update = |(name, halves): (String, [Option<Tensor>; 2])| match halves {
        [Some(a), Some(b)] => Ok(Update { name, a, b }),
        [a, _] => Err(misfit(&path, format!("{name} lacks its lora_{}", if a.is_none() { 'A' } else { 'B' }))),
    };
    let modules = halves.into_iter().map(update).collect::<Result<Vec<_>>>()?;
    if modules.is_empty() {
        return Err(misfit(&path, "it has no tensors".to_owned()));
    }
    Ok(Peft { config, modules })
}

/// `base_model.model.NAME.lora_A.weight` to `NAME` and 0, or 1 for `lora_B`.
fn split(key: &str) -> Option<(&str, usize)> {
    let name = key.strip_prefix(PREFIX)?;
    name.strip_suffix(".lora_A.weight").map(|n| (n, 0)).or_else(|| name.strip_suffix(".lora_B.weight").map(|n| (n, 1)))
}

fn misfit(path: &Path, problem: String) -> Error {
    Error::Peft { path: path.to_owned(), problem }
}

/// An adapter folder in the making, under a temporary name beside its place. It takes its name as a whole, or not at all: what was
/// not finished is removed.
#[derive(Debug)]
pub struct Draft {
    folder: PathBuf,
    temporary: Option<PathBuf>,
}

impl Draft {
    /// Makes the temporary folder, so that a place that cannot be written to is known before the long work.
    ///
    /// # Errors
    /// When `folder` exists, or the temporary one cannot be made.
    pub fn new(folder: &Path) -> Result<Self> {
        let mut name = folder.file_name().unwrap_or_default().to_owned();
        name.push(".tmp");
        let temporary = folder.with_file_name(name);
        if folder.exists() {
            return Err(Error::Exists { path: folder.to_owned() });
        }
        if temporary.exists() {
            std::fs::remove_dir_all(&temporary).map_err(|e| Error::io("remove", &temporary, e))?;
        }
        std::fs::create_dir_all(&temporary).map_err(|e| Error::io("create", &temporary, e))?;
        Ok(Self { folder: folder.to_owned(), temporary: Some(temporary) })
    }

    /// Writes the adapter in f32 and gives the folder its name. `base_model` is what the configuration calls the base.
    ///
    /// # Errors
    /// When a file cannot be written or the folder not renamed.
    pub fn finish(mut self, adapter: &Adapter, base_model: &str) -> Result<()> {
        if let Some(temporary) = &self.temporary {
            let config = temporary.join(CONFIG_FILE);
            std::fs::write(&config, config::text(&adapter.config, base_model)).map_err(|e| Error::io("write", &config, e))?;
            safetensors::write(&temporary.join(WEIGHTS_FILE), &tensors(adapter)?, &BTreeMap::new())?;
            std::fs::rename(temporary, &self.folder).map_err(|e| Error::io("rename", temporary, e))?;
        }
        self.temporary = None;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // Nothing more can be done about a folder that will not go away.
            let _ = std::fs::remove_dir_all(temporary);
        }
    }
}

/// Writes an adapter folder in one go: see [`Draft`].
///
/// # Errors
/// As of [`Draft`].
pub fn write(folder: &Path, adapter: &Adapter, base_model: &str) -> Result<()> {
    Draft::new(folder)?.finish(adapter, base_model)
}

fn tensors(adapter: &Adapter) -> Result<Vec<(String, Tensor)>> {
    let mut tensors = Vec::with_capacity(2 * adapter.modules.len());
    for module in &adapter.modules {
        for (letter, var) in [('A', &module.a), ('B', &module.b)] {
            let name = format!("{PREFIX}{}.lora_{letter}.weight", module.name);
            tensors.push((name, var.as_detached_tensor().to_dtype(DType::F32)?));
        }
    }
    Ok(tensors)
}
