//! GGUF: a safe reader of versions 2 and 3, and a writer of version 3.
//!
//! The format is that of ggml's `docs/gguf.md`. Every count, length and offset is checked against the size of the file before
//! anything is allocated for it. Tokenizer data is handed out as plain values ([`Metadata`]); making a tokenizer of them is `text`'s business.

mod export;
mod layout;
mod metadata;
mod read;
mod source;
mod write;

use std::path::{Path, PathBuf};

use memmap2::Mmap;

pub use export::{Export, Written, export};
pub use metadata::{Array, Metadata, Value};
pub use read::{Header, TensorInfo, read};
pub use write::{Entry, Writer};

use crate::{Error, Result, mapped};

/// How a tensor's values are stored: those of ggml's types that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 32-bit floats.
    F32,
    /// 16-bit floats.
    F16,
    /// Upper halves of 32-bit floats.
    BF16,
    /// See [`crate::quant::Format::Q4_0`].
    Q4_0,
    /// See [`crate::quant::Format::Q8_0`].
    Q8_0,
    /// See [`crate::quant::Format::Q4K`].
    Q4K,
    /// Blocks of 256 with 6-bit values and sixteen 8-bit scales: 6.56 bits a weight.
    Q6K,
}

/// Number in the file, name in messages, values a block, bytes a block (`ggml.h`, `enum ggml_type`; `ggml-common.h`).
const KINDS: &[(Kind, u32, &str, usize, usize)] = &[
    (Kind::F32, 0, "F32", 1, 4),
    (Kind::F16, 1, "F16", 1, 2),
    (Kind::Q4_0, 2, "Q4_0", 32, 18),
    (Kind::Q8_0, 8, "Q8_0", 32, 34),
    (Kind::Q4K, 12, "Q4_K", 256, 144),
    (Kind::Q6K, 14, "Q6_K", 256, 210),
    (Kind::BF16, 30, "BF16", 1, 2),
];

/// Types that ggml knows and this reader does not, for messages.
const OTHER_KINDS: &[(u32, &str)] = &[
    (3, "Q4_1"),
    (6, "Q5_0"),
    (7, "Q5_1"),
    (9, "Q8_1"),
    (10, "Q2_K"),
    (11, "Q3_K"),
    (13, "Q5_K"),
    (15, "Q8_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (20, "IQ4_NL"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (23, "IQ4_XS"),
];

impl Kind {
    fn row(self) -> &'static (Self, u32, &'static str, usize, usize) {
        KINDS.iter().find(|row| row.0 == self).expect("the table has every kind")
    }

    /// The type's number in the file.
    pub fn id(self) -> u32 {
        self.row().1
    }

    /// The type's name: `Q4_K`.
    pub fn name(self) -> &'static str {
        self.row().2
    }

    /// Values in a block.
    pub fn block(self) -> usize {
        self.row().3
    }

    /// Bytes of a tensor of this shape; `None` when the width is no multiple of the block, or the size overflows.
    pub fn bytes(self, shape: &[usize]) -> Option<usize> {
        let (_, _, _, block, block_bytes) = *self.row();
        let width = shape.last().copied().unwrap_or(1);
        let count = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d))?;
        if width % block == 0 { (count / block).checked_mul(block_bytes) } else { None }
    }

    /// The type of a number, or the best name there is for it.
    fn of(id: u32) -> Result<Self, String> {
        if let Some(row) = KINDS.iter().find(|row| row.1 == id) {
            return Ok(row.0);
        }
        let known = OTHER_KINDS.iter().find(|(other, _)| *other == id);
        Err(known.map_or_else(|| format!("{id}"), |(_, name)| (*name).to_owned()))
    }
}

/// A mapped GGUF file whose header has been read and checked.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    map: Mmap,
    header: Header,
}

impl File {
    /// Maps a file and reads its header.
    ///
    /// # Errors
    /// When it cannot be mapped, is no GGUF of version 2 or 3, contradicts itself, or holds a type that is not read.
    pub fn open(path: &Path) -> Result<Self> {
        let map = mapped::open(path)?;
        let header = read(&map).map_err(|e| e.in_file(path))?;
        Ok(Self { path: path.to_owned(), map, header })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its key-value pairs.
    pub fn metadata(&self) -> &Metadata {
        &self.header.metadata
    }

    /// Its tensors, in file order.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.header.tensors
    }

    /// The tensor of this GGUF name.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.header.tensor(name)
    }

    /// The bytes of a tensor of this file.
    ///
    /// # Errors
    /// When the tensor is of another file and reaches beyond this one.
    pub fn bytes(&self, tensor: &TensorInfo) -> Result<&[u8]> {
        self.map.get(tensor.offset..tensor.offset + tensor.bytes).ok_or_else(|| {
            let what = format!("tensor {} lies beyond the end of the file", tensor.name);
            malformed(tensor.offset, what).in_file(&self.path)
        })
    }
}

fn malformed(offset: usize, what: String) -> Error {
    Error::Malformed { format: "GGUF", offset: offset as u64, what }
}
