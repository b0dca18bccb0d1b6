//! Writing GGUF version 3: the header first, then one tensor after the other, so that only one is in memory.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use super::read::DEFAULT_ALIGNMENT;
use super::{Array, Kind, Metadata, Value};
use crate::{Error, Result};

/// What a tensor will be, known before its values are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// GGUF name.
    pub name: String,
    /// Storage type.
    pub kind: Kind,
    /// Dimensions, the rows' width last.
    pub shape: Vec<usize>,
}

/// A file in the making. It is complete when [`Writer::finish`] has returned.
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: BufWriter<File>,
    entries: std::vec::IntoIter<Entry>,
    /// Bytes to write before the next tensor.
    padding: usize,
}

impl Writer {
    /// Creates the file and writes its header. Tensors are aligned to 32 bytes.
    ///
    /// # Errors
    /// When a tensor's width is no whole number of its type's blocks, or the file cannot be written.
    pub fn create(path: &Path, metadata: &Metadata, entries: Vec<Entry>) -> Result<Self> {
        let header = header(metadata, &entries)?;
        let file = File::create(path).map_err(|e| Error::io(path, e))?;
        let mut writer =
            Self { path: path.to_owned(), file: BufWriter::with_capacity(1 << 20, file), entries: entries.into_iter(), padding: 0 };
        writer.bytes(&header)?;
        writer.padding = gap(header.len());
        Ok(writer)
    }

    /// Writes the bytes of the next tensor of the entries.
    ///
    /// # Errors
    /// When they are not as many as its entry needs, there are no more entries, or the file cannot be written.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let unexpected = |expected: String| Error::Argument { what: "tensor", expected, got: format!("{} bytes", bytes.len()) };
        let entry = self.entries.next().ok_or_else(|| unexpected("no more".to_owned()))?;
        let expected = size(&entry)?;
        if bytes.len() != expected {
            return Err(unexpected(format!("{expected} bytes of {}", entry.name)));
        }
        self.bytes(&[0; DEFAULT_ALIGNMENT][..self.padding])?;
        self.bytes(bytes)?;
        self.padding = gap(bytes.len());
        Ok(())
    }

    /// Ends the file and brings it to the disk.
    ///
    /// # Errors
    /// When tensors are missing or the file cannot be written.
    pub fn finish(mut self) -> Result<()> {
        if let Some(entry) = self.entries.next() {
            return Err(Error::MissingTensor { name: entry.name });
        }
        // llama.cpp expects the last tensor to be padded too.
        self.bytes(&[0; DEFAULT_ALIGNMENT][..self.padding])?;
        self.file.flush().and_then(|()| self.file.get_ref().sync_all()).map_err(|e| Error::io(&self.path, e))
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| Error::io(&self.path, e))
    }
}

fn gap(written: usize) -> usize {
    written.next_multiple_of(DEFAULT_ALIGNMENT) - written
}

fn size(entry: &Entry) -> Result<usize> {
    entry.kind.bytes(&entry.shape).ok_or_else(|| Error::Argument {
        what: "tensor width",
        expected: format!("a multiple of {} for {}", entry.kind.block(), entry.kind.name()),
        got: format!("{} {:?}", entry.name, entry.shape),
    })
}

fn header(metadata: &Metadata, entries: &[Entry]) -> Result<Vec<u8>> {
    let mut out = b"GGUF".to_vec();
    out.extend(3u32.to_le_bytes());
    out.extend((entries.len() as u64).to_le_bytes());
    out.extend((metadata.len() as u64).to_le_bytes());
    for (key, value) in metadata.iter() {
        put_string(&mut out, key);
        put_value(&mut out, value);
    }
    let mut offset = 0;
    for entry in entries {
        put_string(&mut out, &entry.name);
        out.extend((entry.shape.len() as u32).to_le_bytes());
        entry.shape.iter().rev().for_each(|d| out.extend((*d as u64).to_le_bytes()));
        out.extend(entry.kind.id().to_le_bytes());
        out.extend((offset as u64).to_le_bytes());
        offset = (offset + size(entry)?).next_multiple_of(DEFAULT_ALIGNMENT);
    }
    Ok(out)
}

fn put_string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn put_value(out: &mut Vec<u8>, value: &Value) {
    let kind = |out: &mut Vec<u8>, id: u32| out.extend(id.to_le_bytes());
    match value {
        Value::U8(v) => (kind(out, 0), out.extend(v.to_le_bytes())).1,
        Value::I8(v) => (kind(out, 1), out.extend(v.to_le_bytes())).1,
        Value::U16(v) => (kind(out, 2), out.extend(v.to_le_bytes())).1,
        Value::I16(v) => (kind(out, 3), out.extend(v.to_le_bytes())).1,
        Value::U32(v) => (kind(out, 4), out.extend(v.to_le_bytes())).1,
        Value::I32(v) => (kind(out, 5), out.extend(v.to_le_bytes())).1,
        Value::F32(v) => (kind(out, 6), out.extend(v.to_le_bytes())).1,
        Value::Bool(v) => (kind(out, 7), out.push(u8::from(*v))).1,
        Value::String(v) => (kind(out, 8), put_string(out, v)).1,
        Value::Array(v) => (kind(out, 9), put_array(out, v)).1,
        Value::U64(v) => (kind(out, 10), out.extend(v.to_le_bytes())).1,
        Value::I64(v) => (kind(out, 11), out.extend(v.to_le_bytes())).1,
        Value::F64(v) => (kind(out, 12), out.extend(v.to_le_bytes())).1,
    }
}

fn put_array(out: &mut Vec<u8>, array: &Array) {
    match array {
        Array::U8(v) => put_items(out, 0, v, |out, v| out.push(*v)),
        Array::I8(v) => put_items(out, 1, v, |out, v| out.extend(v.to_le_bytes())),
        Array::U16(v) => put_items(out, 2, v, |out, v| out.extend(v.to_le_bytes())),
        Array::I16(v) => put_items(out, 3, v, |out, v| out.extend(v.to_le_bytes())),
        Array::U32(v) => put_items(out, 4, v, |out, v| out.extend(v.to_le_bytes())),
        Array::I32(v) => put_items(out, 5, v, |out, v| out.extend(v.to_le_bytes())),
        Array::F32(v) => put_items(out, 6, v, |out, v| out.extend(v.to_le_bytes())),
        Array::Bool(v) => put_items(out, 7, v, |out, v| out.push(u8::from(*v))),
        Array::String(v) => put_items(out, 8, v, |out, v| put_string(out, v)),
        Array::Array(v) => put_items(out, 9, v, put_array),
        Array::U64(v) => put_items(out, 10, v, |out, v| out.extend(v.to_le_bytes())),
        Array::I64(v) => put_items(out, 11, v, |out, v| out.extend(v.to_le_bytes())),
        Array::F64(v) => put_items(out, 12, v, |out, v| out.extend(v.to_le_bytes())),
    }
}

fn put_items<T>(out: &mut Vec<u8>, kind: u32, items: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    out.extend(kind.to_le_bytes());
    out.extend((items.len() as u64).to_le_bytes());
    for item in items {
        put(out, item);
    }
}
