//! A row group whose pages are looked at.

use parquet::{
    bloom_filter::Sbbf,
    column::page::PageReader,
    errors::Result,
    file::{metadata::RowGroupMetaData, reader::RowGroupReader},
    record::reader::RowIter,
    schema::types::Type,
};

use crate::pages::Pages;

/// One row group of a [`crate::Table`].
pub struct Group<'a> {
    inner: Box<dyn RowGroupReader + 'a>,
}

impl<'a> Group<'a> {
    pub(crate) fn new(inner: Box<dyn RowGroupReader + 'a>) -> Self {
        Self { inner }
    }
}

impl RowGroupReader for Group<'_> {
    fn metadata(&self) -> &RowGroupMetaData {
        self.inner.metadata()
    }

    fn num_columns(&self) -> usize {
        self.inner.num_columns()
    }

    fn get_column_page_reader(&self, i: usize) -> Result<Box<dyn PageReader>> {
        let descriptor = self.metadata().schema_descr().column(i);
        Ok(Box::new(Pages::new(self.inner.get_column_page_reader(i)?, &descriptor)))
    }

    fn get_column_bloom_filter(&self, i: usize) -> Option<&Sbbf> {
        self.inner.get_column_bloom_filter(i)
    }

    fn get_row_iter(&self, projection: Option<Type>) -> Result<RowIter<'_>> {
        RowIter::from_row_group(projection, self)
    }
}
