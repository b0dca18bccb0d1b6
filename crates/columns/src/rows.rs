//! Rows as JSON objects, one at a time: a row group's columns are open, a page of each in memory.

use std::sync::Arc;

use parquet::{
    record::{
        Field, Row,
        reader::{ReaderIter, TreeBuilder},
    },
    schema::types::{SchemaDescPtr, SchemaDescriptor, Type},
};
use serde_json::{Map, Value};

use crate::{Error, Result, Table, caught};

/// Values of a column that are decoded at a time: a row of a chat is a hundred texts.
const BATCH: usize = 256;

/// The rows of a file. Ends after the first error.
pub struct Rows {
    table: Table,
    schema: SchemaDescPtr,
    group: usize,
    open: Option<ReaderIter>,
    ended: bool,
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").field("table", &self.table).field("group", &self.group).finish_non_exhaustive()
    }
}

impl Rows {
    pub(crate) fn new(table: Table, columns: &[&str]) -> Result<Self> {
        let schema = caught(|| {
            let whole = table.metadata().file_metadata().schema();
            let wanted = whole.get_fields().iter().filter(|field| columns.contains(&field.name())).cloned().collect();
            let projected = Type::group_type_builder(whole.name()).with_fields(wanted).build()?;
            Ok::<_, Error>(Arc::new(SchemaDescriptor::new(Arc::new(projected))))
        })?;
        Ok(Self { table, schema, group: 0, open: None, ended: false })
    }

    fn next_row(&mut self) -> Result<Option<Value>> {
        loop {
            if let Some(row) = self.open.as_mut().and_then(Iterator::next) {
                return object(&row?).map(Some);
            }
            if self.group == self.table.metadata().num_row_groups() {
                return Ok(None);
            }
            let group = self.table.group(self.group)?;
            self.group += 1;
            self.open = Some(TreeBuilder::new().with_batch_size(BATCH).as_iter(self.schema.clone(), &group)?);
        }
    }
}

impl Iterator for Rows {
    type Item = Result<Value>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = caught(|| self.next_row()).transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

fn object(row: &Row) -> Result<Value> {
    let mut object = Map::new();
    for (name, field) in row.get_column_iter() {
        object.insert(name.clone(), value(field)?);
    }
    Ok(Value::Object(object))
}

fn value(field: &Field) -> Result<Value> {
    Ok(match field {
        Field::Null => Value::Null,
        Field::Bool(value) => Value::from(*value),
        Field::Byte(value) => Value::from(*value),
        Field::Short(value) => Value::from(*value),
        Field::Int(value) => Value::from(*value),
        Field::Long(value) => Value::from(*value),
        Field::UByte(value) => Value::from(*value),
        Field::UShort(value) => Value::from(*value),
        Field::UInt(value) => Value::from(*value),
        Field::ULong(value) => Value::from(*value),
        Field::Float(value) => Value::from(*value),
        Field::Double(value) => Value::from(*value),
        Field::Str(text) => Value::from(text.as_str()),
        // Some writers leave out the note that a column is text.
        Field::Bytes(bytes) => Value::from(std::str::from_utf8(bytes.data()).map_err(|_| Error::NotUtf8)?),
        Field::Group(row) => object(row)?,
        Field::ListInternal(list) => Value::Array(list.elements().iter().map(value).collect::<Result<_>>()?),
        other => Value::from(other.to_string()),
    })
}
