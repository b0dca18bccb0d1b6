//! Writing safetensors: the header first, then one tensor after the other, so that only one is in memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use half::{bf16, f16};
use serde_json::{Map, Value, json};

use crate::{Error, Result};

/// What a tensor will be, known before its values are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// F32, F16, BF16, I32 or I64.
    pub dtype: DType,
    /// Its dimensions.
    pub shape: Vec<usize>,
}

/// A file in the making. It is complete when [`Writer::finish`] has returned.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    entries: std::vec::IntoIter<Entry>,
}

/// Writes tensors that are in memory to one file.
///
/// # Errors
/// When a type is not one of [`Entry::dtype`]'s, or the file cannot be written.
pub fn write(path: &Path, tensors: &[(String, Tensor)], metadata: &BTreeMap<String, String>) -> Result<()> {
    let entry = |(name, tensor): &(String, Tensor)| Entry { name: name.clone(), dtype: tensor.dtype(), shape: tensor.dims().to_vec() };
    let mut writer = Writer::create(path, tensors.iter().map(entry).collect(), metadata)?;
    tensors.iter().try_for_each(|(_, tensor)| writer.push(tensor))?;
    writer.finish()
}

impl Writer {
    /// Creates the file and writes its header. transformers wants the metadata `format` to be `pt`; it is put in where it is not given.
    ///
    /// # Errors
    /// When a type is not one of [`Entry::dtype`]'s, or the file cannot be written.
    pub fn create(path: &Path, entries: Vec<Entry>, metadata: &BTreeMap<String, String>) -> Result<Self> {
        let header = header(&entries, metadata)?;
        let file = File::create(path).map_err(|e| Error::io(path, e))?;
        let mut writer = Self { path: path.to_owned(), file: BufWriter::with_capacity(1 << 20, file), entries: entries.into_iter() };
        writer.bytes(&(header.len() as u64).to_le_bytes())?;
        writer.bytes(header.as_bytes())?;
        Ok(writer)
    }

    /// Writes the next tensor of the entries, converted to its entry's type.
    ///
    /// # Errors
    /// When its shape is not its entry's, there are no more entries, or the file cannot be written.
    pub fn push(&mut self, tensor: &Tensor) -> Result<()> {
        let unexpected = |expected: String| Error::Argument { what: "tensor", expected, got: format!("{:?}", tensor.dims()) };
        let entry = self.entries.next().ok_or_else(|| unexpected("no more".to_owned()))?;
        if tensor.dims() != entry.shape {
            return Err(unexpected(format!("{} {:?}", entry.name, entry.shape)));
        }
        let flat = tensor.to_device(&Device::Cpu)?.flatten_all()?.to_dtype(entry.dtype)?;
        let bytes: Vec<u8> = match entry.dtype {
            DType::F32 => flat.to_vec1::<f32>()?.into_iter().flat_map(f32::to_le_bytes).collect(),
            DType::F16 => flat.to_vec1::<f16>()?.into_iter().flat_map(f16::to_le_bytes).collect(),
            DType::I32 => flat.to_vec1::<i32>()?.into_iter().flat_map(i32::to_le_bytes).collect(),
            DType::I64 => flat.to_vec1::<i64>()?.into_iter().flat_map(i64::to_le_bytes).collect(),
            _ => flat.to_vec1::<bf16>()?.into_iter().flat_map(bf16::to_le_bytes).collect(),
        };
        self.bytes(&bytes)
    }

    /// Ends the file and brings it to the disk.
    ///
    /// # Errors
    /// When tensors are missing or the file cannot be written.
    pub fn finish(mut self) -> Result<()> {
        if let Some(entry) = self.entries.next() {
            return Err(Error::MissingTensor { name: entry.name });
        }
        self.file.flush().and_then(|()| self.file.get_ref().sync_all()).map_err(|e| Error::io(&self.path, e))
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| Error::io(&self.path, e))
    }
}

/// The JSON header, padded with spaces so that the tensors start at a multiple of 8.
fn header(entries: &[Entry], metadata: &BTreeMap<String, String>) -> Result<String> {
    let mut metadata = metadata.clone();
    metadata.entry("format".to_owned()).or_insert_with(|| "pt".to_owned());
    let metadata: Map<String, Value> = metadata.into_iter().map(|(k, v)| (k, Value::String(v))).collect();
    let mut map = Map::from_iter([("__metadata__".to_owned(), Value::Object(metadata))]);
    let mut start = 0usize;
    for entry in entries {
        let dtype = match entry.dtype {
            DType::F32 => "F32",
            DType::F16 => "F16",
            DType::BF16 => "BF16",
            DType::I32 => "I32",
            DType::I64 => "I64",
            other => return Err(Error::UnsupportedType { tensor: entry.name.clone(), found: format!("{other:?}") }),
        };
        let end = start + entry.shape.iter().product::<usize>() * entry.dtype.size_in_bytes();
        map.insert(entry.name.clone(), json!({ "dtype": dtype, "shape": entry.shape, "data_offsets": [start, end] }));
        start = end;
    }
    let mut text = Value::Object(map).to_string();
    text.extend(std::iter::repeat_n(' ', text.len().next_multiple_of(8) - text.len()));
    Ok(text)
}
