//! The pages of a column, each looked at for the one claim within a page that a decoder makes room for unseen: how many lengths of
//! texts follow each other as differences.
//!
//! Source: Apache Parquet's `Encodings.md`, "Delta encoding": block size, miniblocks a block, number of values, each a varint.

use parquet::{
    basic::{Encoding, Type},
    column::page::{Page, PageMetadata, PageReader},
    errors::Result,
    schema::types::ColumnDescriptor,
};

use crate::{Error, thrift::Cursor};

/// A page reader with a second look.
pub(crate) struct Pages {
    inner: Box<dyn PageReader>,
    /// Texts: the only values that are kept as differences of lengths.
    texts: bool,
    /// Levels that stand before the values in a page of version 1.
    levels: usize,
}

impl Pages {
    pub(crate) fn new(inner: Box<dyn PageReader>, column: &ColumnDescriptor) -> Self {
        let texts = matches!(column.physical_type(), Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY);
        let levels = usize::from(column.max_rep_level() > 0) + usize::from(column.max_def_level() > 0);
        Self { inner, texts, levels }
    }

    fn check(&self, page: &Page) -> crate::Result<()> {
        let (values, encoding, claimed) = match page {
            Page::DataPage { buf, num_values, encoding, .. } => (after_levels(buf, self.levels), encoding, num_values),
            Page::DataPageV2 { buf, num_values, encoding, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let start = (*def_levels_byte_len as usize).saturating_add(*rep_levels_byte_len as usize);
                (buf.get(start..), encoding, num_values)
            }
            Page::DictionaryPage { .. } => return Ok(()),
        };
        match encoding {
            Encoding::DELTA_LENGTH_BYTE_ARRAY if self.texts => {
                let lengths = values.and_then(lengths).ok_or_else(|| Error::Damaged { reason: "a page of texts ends too early".into() })?;
                let limit = u64::from(*claimed);
                if lengths > limit { Err(Error::TooMuch { what: "lengths of texts", found: lengths, limit }) } else { Ok(()) }
            }
            // Where its second list of lengths begins is known to the decoder alone.
            Encoding::DELTA_BYTE_ARRAY if self.texts => Err(Error::Unsupported { what: "the encoding DELTA_BYTE_ARRAY".into() }),
            _ => Ok(()),
        }
    }
}

/// What comes after the levels of a page of version 1, each of which has its length before it.
fn after_levels(mut page: &[u8], levels: usize) -> Option<&[u8]> {
    for _ in 0..levels {
        let (length, rest) = page.split_first_chunk::<4>()?;
        page = rest.get(u32::from_le_bytes(*length) as usize..)?;
    }
    Some(page)
}

fn lengths(values: &[u8]) -> Option<u64> {
    let mut cursor = Cursor::new(values);
    let (_block, _miniblocks) = (cursor.varint()?, cursor.varint()?);
    cursor.varint()
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.inner.get_next_page()?;
        if let Some(page) = &page {
            self.check(page)?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.inner.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.inner.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.inner.at_record_boundary()
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}
