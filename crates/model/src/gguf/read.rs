//! Reading a GGUF header from bytes that are not to be trusted.

use std::collections::HashMap;

use super::{Array, Kind, Metadata, Value, malformed};
use crate::{Error, Result};

/// Everything before the tensors' bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// 2 or 3.
    pub version: u32,
    /// The key-value pairs.
    pub metadata: Metadata,
    /// The tensors, in file order; their names are unique and their bytes lie within the file.
    pub tensors: Vec<TensorInfo>,
    index: HashMap<String, usize>,
}

/// Where a tensor lies and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// GGUF name: `blk.0.attn_q.weight`.
    pub name: String,
    /// Storage type.
    pub kind: Kind,
    /// Dimensions, the rows' width last (GGUF has it first).
    pub shape: Vec<usize>,
    /// First byte, from the start of the file.
    pub offset: usize,
    /// Number of bytes.
    pub bytes: usize,
}

/// Reads the header of a whole file held in (or mapped to) memory.
///
/// # Errors
/// When it is no GGUF of version 2 or 3, contradicts itself, or holds a type that is not read.
pub fn read(file: &[u8]) -> Result<Header> {
    let mut reader = Reader { file, at: 0 };
    if reader.take(4)? != b"GGUF" {
        return Err(malformed(0, "the file does not begin with GGUF".to_owned()));
    }
    let version = reader.u32()?;
    if !(2..=3).contains(&version) {
        return Err(Error::GgufVersion { version });
    }
    let tensor_count = reader.count(MIN_TENSOR, "tensors")?;
    let pair_count = reader.count(MIN_PAIR, "key-value pairs")?;
    let mut metadata = Metadata::new();
    for _ in 0..pair_count {
        let at = reader.at;
        let key = reader.string()?;
        let kind = reader.u32()?;
        let value = reader.value(kind)?;
        if metadata.insert(key.as_str(), value).is_some() {
            return Err(malformed(at, format!("the key {key} occurs twice")));
        }
    }
    let mut tensors = Vec::with_capacity(tensor_count);
    for _ in 0..tensor_count {
        tensors.push(reader.tensor()?);
    }
    let start = reader.at.next_multiple_of(alignment(&metadata)?);
    let index = place(&mut tensors, start, file.len())?;
    Ok(Header { version, metadata, tensors, index })
}

impl Header {
    /// The tensor of this name.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.tensors.get(*self.index.get(name)?)
    }
}

/// Fewest bytes of a pair: an empty key, a type, one byte.
const MIN_PAIR: usize = 8 + 4 + 1;
/// Fewest bytes of a tensor's description: an empty name, one dimension, type, offset.
const MIN_TENSOR: usize = 8 + 4 + 8 + 4 + 8;
/// Dimensions ggml allows.
const MAX_DIMS: u32 = 4;
/// Arrays within arrays; no file needs more than one level.
const MAX_DEPTH: u32 = 4;
/// Alignment of tensors where the file does not say.
pub(super) const DEFAULT_ALIGNMENT: usize = 32;

fn alignment(metadata: &Metadata) -> Result<usize> {
    if metadata.get("general.alignment").is_none() {
        return Ok(DEFAULT_ALIGNMENT);
    }
    let value = metadata.get_u32("general.alignment").filter(|v| v.is_power_of_two() && (8..=1 << 20).contains(v));
    value.map(|v| v as usize).ok_or_else(|| malformed(0, "general.alignment is no power of two of at least 8".to_owned()))
}

/// Makes offsets absolute, and checks that every tensor lies within the file and that names are unique.
fn place(tensors: &mut [TensorInfo], start: usize, len: usize) -> Result<HashMap<String, usize>> {
    let mut index = HashMap::with_capacity(tensors.len());
    for (i, tensor) in tensors.iter_mut().enumerate() {
        let end = start.checked_add(tensor.offset).and_then(|from| from.checked_add(tensor.bytes));
        if end.is_none_or(|end| end > len) {
            let what = format!(
                "tensor {} needs {} bytes at {}, the file has {len}",
                tensor.name,
                tensor.bytes,
                start.saturating_add(tensor.offset)
            );
            return Err(malformed(start, what));
        }
        if !tensor.offset.is_multiple_of(8) {
            return Err(malformed(start, format!("tensor {} lies at the unaligned offset {}", tensor.name, tensor.offset)));
        }
        tensor.offset += start;
        if index.insert(tensor.name.clone(), i).is_some() {
            return Err(malformed(start, format!("the tensor {} occurs twice", tensor.name)));
        }
    }
    Ok(index)
}

/// A cursor that never leaves the file.
struct Reader<'a> {
    file: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let rest = &self.file[self.at..];
        let bytes = rest.get(..n).ok_or_else(|| malformed(self.at, format!("{n} bytes are needed, {} are left", rest.len())))?;
        self.at += n;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.take(N)?.try_into().expect("as many bytes as were taken"))
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A count of things that take at least `each` bytes: no more than the rest of the file can hold.
    fn count(&mut self, each: usize, what: &str) -> Result<usize> {
        let at = self.at;
        let count = self.u64()?;
        let room = (self.file.len() - self.at) / each;
        if count > room as u64 {
            return Err(malformed(at, format!("{count} {what} are announced, the rest of the file holds {room} at most")));
        }
        Ok(count as usize)
    }

    fn string(&mut self) -> Result<String> {
        let n = self.count(1, "bytes of text")?;
        let at = self.at;
        let text = std::str::from_utf8(self.take(n)?).map_err(|_| malformed(at, "a text is not UTF-8".to_owned()))?;
        Ok(text.to_owned())
    }

    fn value(&mut self, kind: u32) -> Result<Value> {
        Ok(match kind {
            0 => Value::U8(u8::from_le_bytes(self.array()?)),
            1 => Value::I8(i8::from_le_bytes(self.array()?)),
            2 => Value::U16(u16::from_le_bytes(self.array()?)),
            3 => Value::I16(i16::from_le_bytes(self.array()?)),
            4 => Value::U32(self.u32()?),
            5 => Value::I32(i32::from_le_bytes(self.array()?)),
            6 => Value::F32(f32::from_le_bytes(self.array()?)),
            7 => Value::Bool(self.bool()?),
            8 => Value::String(self.string()?),
            9 => Value::Array(self.items(0)?),
            10 => Value::U64(self.u64()?),
            11 => Value::I64(i64::from_le_bytes(self.array()?)),
            12 => Value::F64(f64::from_le_bytes(self.array()?)),
            other => return Err(malformed(self.at - 4, format!("unknown value type {other}"))),
        })
    }

    fn bool(&mut self) -> Result<bool> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(malformed(self.at - 1, format!("{other} is neither true nor false"))),
        }
    }

    fn items(&mut self, depth: u32) -> Result<Array> {
        let at = self.at;
        let kind = self.u32()?;
        Ok(match kind {
            0 => Array::U8(self.list(1, |r| Ok(u8::from_le_bytes(r.array()?)))?),
            1 => Array::I8(self.list(1, |r| Ok(i8::from_le_bytes(r.array()?)))?),
            2 => Array::U16(self.list(2, |r| Ok(u16::from_le_bytes(r.array()?)))?),
            3 => Array::I16(self.list(2, |r| Ok(i16::from_le_bytes(r.array()?)))?),
            4 => Array::U32(self.list(4, Self::u32)?),
            5 => Array::I32(self.list(4, |r| Ok(i32::from_le_bytes(r.array()?)))?),
            6 => Array::F32(self.list(4, |r| Ok(f32::from_le_bytes(r.array()?)))?),
            7 => Array::Bool(self.list(1, Self::bool)?),
            8 => Array::String(self.list(8, Self::string)?),
            9 if depth < MAX_DEPTH => Array::Array(self.list(12, |r| r.items(depth + 1))?),
            9 => return Err(malformed(at, format!("arrays nest deeper than {MAX_DEPTH}"))),
            10 => Array::U64(self.list(8, Self::u64)?),
            11 => Array::I64(self.list(8, |r| Ok(i64::from_le_bytes(r.array()?)))?),
            12 => Array::F64(self.list(8, |r| Ok(f64::from_le_bytes(r.array()?)))?),
            other => return Err(malformed(at, format!("unknown value type {other}"))),
        })
    }

    /// A counted list of items of at least `each` bytes. Nothing is allocated beyond what the file can hold.
    fn list<T>(&mut self, each: usize, mut item: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let n = self.count(each, "array items")?;
        let mut items = Vec::with_capacity(n);
        for _ in 0..n {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn tensor(&mut self) -> Result<TensorInfo> {
        let at = self.at;
        let name = self.string()?;
        let dims = self.u32()?;
        if dims == 0 || dims > MAX_DIMS {
            return Err(malformed(at, format!("tensor {name} has {dims} dimensions, not 1 to {MAX_DIMS}")));
        }
        let mut shape = Vec::with_capacity(dims as usize);
        for _ in 0..dims {
            shape.push(self.u64()? as usize);
        }
        shape.reverse();
        if shape.contains(&0) {
            return Err(malformed(at, format!("tensor {name} has an empty dimension: {shape:?}")));
        }
        let kind = Kind::of(self.u32()?).map_err(|found| Error::UnsupportedType { tensor: name.clone(), found })?;
        let bytes = kind
            .bytes(&shape)
            .ok_or_else(|| malformed(at, format!("tensor {name} of shape {shape:?} has no whole number of {} blocks", kind.name())))?;
        let offset = self.u64()? as usize;
        Ok(TensorInfo { name, kind, shape, offset, bytes })
    }
}
