//! Safetensors: single files, sharded folders, and a writer that streams.
//!
//! The header is checked against the file before anything is allocated, by the `safetensors` crate: its length, that the tensors
//! lie one after the other without gaps and end where the file ends, and that sizes fit shapes. Pickles are never read.

mod write;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use memmap2::Mmap;
use safetensors::tensor::Metadata;
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde::Deserialize;

pub use write::{Entry, Writer, write};

use crate::decoder::{Compute, Source, Weight, names};
use crate::{Config, Error, Result, floats, mapped};

/// One mapped file.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    map: Mmap,
    /// Where the tensors' bytes start.
    start: usize,
    metadata: Metadata,
}

/// The weights of a Hugging Face folder: one file, or shards with an index.
#[derive(Debug)]
pub struct Folder {
    files: Vec<File>,
    device: Device,
}

/// `model.safetensors.index.json`.
#[derive(Deserialize)]
struct Index {
    weight_map: HashMap<String, String>,
}

impl File {
    /// Maps a file and checks its header.
    ///
    /// # Errors
    /// When it cannot be mapped or contradicts itself.
    pub fn open(path: &Path) -> Result<Self> {
        let map = mapped::open(path)?;
        let (start, metadata) = read_header(&map).map_err(|e| e.in_file(path))?;
        Ok(Self { path: path.to_owned(), map, start, metadata })
    }

    /// The names of its tensors, in file order.
    pub fn names(&self) -> Vec<String> {
        self.metadata.offset_keys()
    }

    /// The shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        Some(&self.metadata.info(name)?.shape)
    }

    /// What the writer said of the file beside the tensors.
    pub fn metadata(&self) -> BTreeMap<String, String> {
        self.metadata.metadata().iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// A tensor, copied out of the mapping once and converted as `compute` says.
    ///
    /// # Errors
    /// When there is none of that name, or its type is not a float of 16 or 32 bits.
    pub fn tensor(&self, name: &str, compute: Compute, device: &Device) -> Result<Tensor> {
        let info = self.metadata.info(name).ok_or_else(|| Error::MissingTensor { name: name.to_owned() }.in_file(&self.path))?;
        let stored = match info.dtype {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            other => {
                return Err(Error::UnsupportedType { tensor: name.to_owned(), found: format!("{other:?}") }.in_file(&self.path));
            }
        };
        let (from, to) = info.data_offsets;
        let bytes = self
            .map
            .get(self.start + from..self.start + to)
            .ok_or_else(|| malformed(self.start + from, format!("tensor {name} lies beyond the end of the file")).in_file(&self.path))?;
        floats::tensor(name, bytes, stored, compute, &info.shape, device).map_err(|e| e.in_file(&self.path))
    }
}

/// Reads the header of a safetensors file held in memory: where the tensors start, and what they are.
///
/// # Errors
/// [`Error::Malformed`] when the bytes contradict themselves.
pub fn read_header(bytes: &[u8]) -> Result<(usize, Metadata)> {
    let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| header_error(bytes, &e))?;
    let start = header + LENGTH_BYTES;
    if metadata.data_len() != bytes.len() - start {
        return Err(malformed(start, format!("the tensors need {} bytes, the file has {}", metadata.data_len(), bytes.len() - start)));
    }
    Ok((start, metadata))
}

/// Bytes of the header's length, before the header.
const LENGTH_BYTES: usize = 8;

impl Folder {
    /// Maps `model.safetensors`, or the shards that `model.safetensors.index.json` names.
    ///
    /// # Errors
    /// When there is neither, or a file is missing or malformed.
    pub fn open(folder: &Path) -> Result<Self> {
        let single = folder.join("model.safetensors");
        let index = folder.join("model.safetensors.index.json");
        let files = if single.is_file() {
            vec![File::open(&single)?]
        } else if index.is_file() {
            shards(&index)?.iter().map(|name| File::open(&folder.join(name))).collect::<Result<_>>()?
        } else {
            return Err(Error::NoWeights { path: folder.to_owned() });
        };
        Ok(Self { files, device: Device::Cpu })
    }

    /// The names of all tensors.
    pub fn names(&self) -> Vec<String> {
        self.files.iter().flat_map(File::names).collect()
    }

    /// A tensor, from whichever file has it.
    ///
    /// # Errors
    /// As of [`File::tensor`].
    pub fn tensor(&self, name: &str, compute: Compute, device: &Device) -> Result<Tensor> {
        let file = self.files.iter().find(|f| f.shape(name).is_some());
        file.ok_or_else(|| Error::MissingTensor { name: name.to_owned() })?.tensor(name, compute, device)
    }

    /// Checks that the folder has no weights that the configuration does not call for, such as further layers.
    pub(crate) fn check_against(&self, config: &Config) -> Result<()> {
        self.files.iter().try_for_each(|f| names::check_unused(config, &f.names()).map_err(|e| e.in_file(&f.path)))
    }

    pub(crate) fn on(mut self, device: &Device) -> Self {
        self.device = device.clone();
        self
    }
}

impl Source for Folder {
    fn weight(&self, name: &str, shape: &[usize], compute: Compute) -> Result<Option<Weight>> {
        let Some((file, got)) = self.files.iter().find_map(|f| Some((f, f.shape(name)?))) else { return Ok(None) };
        if got != shape {
            let mismatch = Error::ShapeMismatch { name: name.to_owned(), expected: shape.to_vec(), got: got.to_vec() };
            return Err(mismatch.in_file(&file.path));
        }
        Ok(Some(Weight::Dense(file.tensor(name, compute, &self.device)?)))
    }
}

/// The shard files an index names, each once.
fn shards(index: &Path) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(index).map_err(|e| Error::io(index, e))?;
    let parsed: Index = serde_json::from_str(&text).map_err(|e| Error::json(&text, &e).in_file(index))?;
    let mut names: Vec<String> = parsed.weight_map.into_values().collect();
    names.sort();
    names.dedup();
    match names.iter().find(|name| Path::new(name).file_name().is_none_or(|f| f != name.as_str())) {
        Some(name) => Err(malformed(0, format!("{name} is no plain file name")).in_file(index)),
        None => Ok(names),
    }
}

fn header_error(bytes: &[u8], error: &SafeTensorError) -> Error {
    let what = match error {
        SafeTensorError::HeaderTooSmall => format!("{} bytes are too few for a header", bytes.len()),
        SafeTensorError::HeaderTooLarge | SafeTensorError::InvalidHeaderLength => {
            "the header is longer than the file or than 100 MB".to_owned()
        }
        SafeTensorError::MetadataIncompleteBuffer => "the tensors do not end where the file ends".to_owned(),
        other => other.to_string(),
    };
    malformed(0, what)
}

fn malformed(offset: usize, what: String) -> Error {
    Error::Malformed { format: "safetensors", offset: offset as u64, what }
}
