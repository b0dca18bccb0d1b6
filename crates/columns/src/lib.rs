//! Parquet that anyone wrote, read within bounds: a file's claims are compared with its size before memory is asked for, and what
//! the decoders of the parquet crate do not check comes back as an error. What the columns mean is for the caller; nothing is
//! written here.

mod error;
mod footer;
mod groups;
mod pages;
mod rows;
mod source;
mod thrift;

use std::{fs::File, panic::AssertUnwindSafe};

use parquet::file::{
    metadata::ParquetMetaData,
    reader::{FileReader, SerializedFileReader},
};

pub use error::{Error, Result};
pub use groups::Group;
pub use rows::Rows;

/// Most bytes of one page, decompressed. Writers aim at one MiB; a page holds at least one value, so this bounds a text too.
pub const MOST_PAGE_BYTES: usize = 256 << 20;

/// An open file whose footer has been read.
pub struct Table {
    reader: SerializedFileReader<source::Source>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("groups", &self.reader.num_row_groups()).finish_non_exhaustive()
    }
}

impl Table {
    /// Reads the footer.
    ///
    /// # Errors
    /// The file cannot be read, is no Parquet file, is damaged, or claims more than it can hold.
    pub fn open(file: File) -> Result<Self> {
        let source = source::Source::new(file)?;
        footer::check(&source)?;
        caught(|| Ok(Self { reader: SerializedFileReader::new(source)? }))
    }

    /// Schema, row groups and their sizes, as the file claims them.
    pub fn metadata(&self) -> &ParquetMetaData {
        self.reader.metadata()
    }

    /// One row group.
    ///
    /// # Errors
    /// There is none of that number.
    pub fn group(&self, index: usize) -> Result<Group<'_>> {
        if index >= self.reader.num_row_groups() {
            return Err(Error::Damaged { reason: format!("there is no row group {index}") });
        }
        Ok(Group::new(self.reader.get_row_group(index)?))
    }

    /// The rows, one after the other, each an object of the named columns; a column that the file lacks is left out.
    ///
    /// # Errors
    /// The schema is not one.
    pub fn rows(self, columns: &[&str]) -> Result<Rows> {
        Rows::new(self, columns)
    }
}

/// Runs a piece of decoding: the parquet crate indexes into damaged pages without a look at their length, and panics.
///
/// # Errors
/// Those of `read`, and [`Error::Damaged`] for a panic.
pub fn caught<T, E: From<Error>>(read: impl FnOnce() -> std::result::Result<T, E>) -> std::result::Result<T, E> {
    std::panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        // Types that the crate's reader of rows does not know are told by a panic too.
        let message = panic.downcast_ref::<String>().filter(|message| message.starts_with("Conversion for physical type"));
        let reason = message.map_or("one of its pages is not what its header says", String::as_str);
        Err(Error::Damaged { reason: reason.to_owned() }.into())
    })
}
