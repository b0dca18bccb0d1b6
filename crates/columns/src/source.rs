//! The file as the parquet crate reads it, with a look at each page header first: the crate makes room for a page as its header
//! says, whatever the file's size.
//!
//! Source: `parquet.thrift` of Apache Parquet, `PageHeader`: type, size decompressed, size compressed, perhaps a checksum, and then the
//! header of its kind, whose first field is the number of values. Writers write fields in this order.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    sync::Arc,
};

use bytes::Bytes;
use parquet::{
    errors::ParquetError,
    file::reader::{ChunkReader, Length},
};

use crate::{
    Error, MOST_PAGE_BYTES, Result, footer,
    thrift::{Cursor, FieldHead, I32, STRUCT},
};

/// Bytes fetched at a time while a header is read.
const BLOCK: usize = 4096;

/// A file of known length.
#[derive(Clone)]
pub(crate) struct Source {
    file: Arc<File>,
    length: u64,
}

impl Source {
    pub(crate) fn new(file: File) -> Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file: Arc::new(file), length })
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn read_exact_at(&self, bytes: &mut [u8], at: u64) -> Result<()> {
        Ok(self.file.read_exact_at(bytes, at)?)
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Source {
    type T = Head;

    fn get_read(&self, start: u64) -> Result<Head, ParquetError> {
        let is_page = start < self.length.saturating_sub(footer::TAIL);
        Ok(Head { source: self.clone(), at: start, block: Vec::new(), used: 0, unchecked: is_page })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(Error::Damaged { reason: "it points past its own end".into() }.into());
        }
        let mut bytes = vec![0; length];
        self.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// Reads on from a page's header, which is looked at when it is first asked for.
pub(crate) struct Head {
    source: Source,
    at: u64,
    block: Vec<u8>,
    used: usize,
    unchecked: bool,
}

impl Head {
    fn fill(&mut self) -> io::Result<()> {
        let left = self.source.length.saturating_sub(self.at).min(BLOCK as u64);
        self.block.resize(left as usize, 0);
        self.used = 0;
        self.source.file.read_exact_at(&mut self.block, self.at)?;
        self.at += left;
        if std::mem::take(&mut self.unchecked) {
            check_header(&self.block).map_err(io::Error::other)?;
        }
        Ok(())
    }
}

impl Read for Head {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.used == self.block.len() {
            self.fill()?;
        }
        let taken = out.len().min(self.block.len() - self.used);
        out[..taken].copy_from_slice(&self.block[self.used..self.used + taken]);
        self.used += taken;
        Ok(taken)
    }
}

/// Whether a page's claims are believable.
fn check_header(bytes: &[u8]) -> Result<()> {
    let claims = claims(bytes).ok_or_else(|| Error::Damaged { reason: "a page header makes no sense".into() })?;
    if claims.bytes > MOST_PAGE_BYTES as u64 {
        return Err(Error::TooMuch { what: "bytes of one page", found: claims.bytes, limit: MOST_PAGE_BYTES as u64 });
    }
    // A value of a dictionary takes four bytes or more; only fixed texts of one to three bytes would take less.
    match claims.dictionary {
        Some(values) if values > claims.bytes / 4 => {
            Err(Error::TooMuch { what: "values of a dictionary", found: values, limit: claims.bytes / 4 })
        }
        _ => Ok(()),
    }
}

struct Claims {
    /// Decompressed.
    bytes: u64,
    /// Values, when the page is a dictionary.
    dictionary: Option<u64>,
}

fn claims(bytes: &[u8]) -> Option<Claims> {
    const DICTIONARY_HEADER: i16 = 7;
    let mut cursor = Cursor::new(bytes);
    let mut number = |last: i16| {
        let head = cursor.field(last)?;
        (head == FieldHead { id: last + 1, kind: I32 }).then(|| cursor.int()).flatten()
    };
    let (_kind, bytes, _compressed) = (number(0)?, number(1)?, number(2)?);
    let mut head = cursor.field(3)?;
    if head == (FieldHead { id: 4, kind: I32 }) {
        cursor.int()?;
        head = cursor.field(4)?;
    }
    let mut dictionary = None;
    if head == (FieldHead { id: DICTIONARY_HEADER, kind: STRUCT }) {
        let first = cursor.field(0)?;
        if first != (FieldHead { id: 1, kind: I32 }) {
            return None;
        }
        dictionary = Some(u64::try_from(cursor.int()?).ok()?);
    }
    Some(Claims { bytes: u64::try_from(bytes).ok()?, dictionary })
}
