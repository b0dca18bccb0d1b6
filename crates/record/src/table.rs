//! Columns in Parquet: what requests and power samples are kept in, so that any data tool reads them. This file knows
//! columns; the ones of requests and of power samples stand in the files below it. No Arrow is involved.
//!
//! Instants and counts are INT64 (signed, so that differences taken elsewhere cannot wrap), delta-packed; texts are UTF-8
//! under Snappy; the instants of a request's tokens are a LIST of INT64.

mod power;
mod requests;

use std::{fs::File, path::Path, sync::Arc};

use parquet::{
    basic::{Compression, Encoding},
    column::{reader::ColumnReader, writer::ColumnWriter},
    data_type::ByteArray,
    errors::ParquetError,
    file::{
        metadata::{ColumnChunkMetaData, KeyValue, RowGroupMetaData},
        properties::WriterProperties,
        reader::RowGroupReader,
        writer::SerializedFileWriter,
    },
    schema::{parser::parse_message_type, types::ColumnPath},
};

use crate::{
    SCHEMA, atomic,
    error::{Error, Result},
};

pub(crate) use power::{read_power, write_power};
pub use requests::{read_requests, write_requests};

/// Most rows of one file: a speed window of days.
const MOST_ROWS: i64 = 10_000_000;
/// Most values of one column of one file, over all lists.
const MOST_VALUES: i64 = 1_000_000_000;
/// Records read at a time.
const BATCH: usize = 16_384;

/// The values of one column, row by row.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Whole numbers.
    Int(Vec<i64>),
    /// Whole numbers, some absent.
    OptionalInt(Vec<Option<i64>>),
    /// Numbers.
    Real(Vec<f64>),
    /// Numbers, some absent.
    OptionalReal(Vec<Option<f64>>),
    /// Texts.
    Text(Vec<String>),
    /// Texts, some absent.
    OptionalText(Vec<Option<String>>),
    /// Lists of whole numbers.
    Ints(Vec<Vec<i64>>),
}

impl Column {
    /// The column's line in the schema.
    fn declaration(&self, name: &str) -> String {
        match self {
            Self::Int(_) => format!("REQUIRED INT64 {name};"),
            Self::OptionalInt(_) => format!("OPTIONAL INT64 {name};"),
            Self::Real(_) => format!("REQUIRED DOUBLE {name};"),
            Self::OptionalReal(_) => format!("OPTIONAL DOUBLE {name};"),
            Self::Text(_) => format!("REQUIRED BYTE_ARRAY {name} (STRING);"),
            Self::OptionalText(_) => format!("OPTIONAL BYTE_ARRAY {name} (STRING);"),
            Self::Ints(_) => format!("REQUIRED GROUP {name} (LIST) {{ REPEATED GROUP list {{ REQUIRED INT64 element; }} }}"),
        }
    }

    fn rows(&self) -> usize {
        match self {
            Self::Int(values) => values.len(),
            Self::OptionalInt(values) => values.len(),
            Self::Real(values) => values.len(),
            Self::OptionalReal(values) => values.len(),
            Self::Text(values) => values.len(),
            Self::OptionalText(values) => values.len(),
            Self::Ints(values) => values.len(),
        }
    }
}

/// Named columns, in file order.
pub type Columns = Vec<(&'static str, Column)>;

/// Writes columns of equal length to a Parquet file: whole or not at all, replacing an older one.
///
/// # Errors
/// The columns are not of equal length, or the file cannot be written.
pub fn write_table(path: &Path, columns: &Columns) -> Result<()> {
    write(path, columns)
}

/// Reads back the columns that `shape` declares, all of them; its values are ignored.
///
/// # Errors
/// The file cannot be read, or its columns are not those.
pub fn read_table(path: &Path, shape: &Columns) -> Result<Vec<Column>> {
    read(path, shape, shape.len())
}

fn schema_text(columns: &Columns) -> String {
    let lines: Vec<String> = columns.iter().map(|(name, column)| column.declaration(name)).collect();
    format!("message schema {{ {} }}", lines.join(" "))
}

/// Writes columns of equal length, atomically.
fn write(path: &Path, columns: &Columns) -> Result<()> {
    atomic::write_with(path, |file| write_file(file, columns).map_err(|error| write_error(path, error)))
}

fn write_file(file: &mut File, columns: &Columns) -> parquet::errors::Result<()> {
    let schema = Arc::new(parse_message_type(&schema_text(columns))?);
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(vec![KeyValue::new("schema".to_owned(), SCHEMA.to_owned())]));
    for (name, column) in columns {
        let path = match column {
            Column::Int(_) | Column::OptionalInt(_) => vec![(*name).to_owned()],
            Column::Ints(_) => [name, "list", "element"].map(str::to_owned).to_vec(),
            Column::Real(_) | Column::OptionalReal(_) | Column::Text(_) | Column::OptionalText(_) => continue,
        };
        let path = ColumnPath::new(path);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED)
            .set_column_compression(path, Compression::UNCOMPRESSED);
    }
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties.build()))?;
    let mut group = writer.next_row_group()?;
    for (_, column) in columns {
        let mut open = group.next_column()?.ok_or_else(|| ParquetError::General("fewer columns than declared".into()))?;
        write_column(open.untyped(), column)?;
        open.close()?;
    }
    group.close()?;
    writer.close()?;
    Ok(())
}

fn write_column(writer: &mut ColumnWriter<'_>, column: &Column) -> parquet::errors::Result<()> {
    let mismatch = || ParquetError::General("a column has another type than declared".into());
    let bytes = |text: &String| ByteArray::from(text.as_str());
    let levels = |present: &dyn Fn(usize) -> bool| (0..column.rows()).map(|row| i16::from(present(row))).collect::<Vec<i16>>();
    match (column, writer) {
        (Column::Int(values), ColumnWriter::Int64ColumnWriter(w)) => w.write_batch(values, None, None)?,
        (Column::OptionalInt(values), ColumnWriter::Int64ColumnWriter(w)) => {
            let present: Vec<i64> = values.iter().copied().flatten().collect();
            w.write_batch(&present, Some(&levels(&|row| values[row].is_some())), None)?
        }
        (Column::Real(values), ColumnWriter::DoubleColumnWriter(w)) => w.write_batch(values, None, None)?,
        (Column::OptionalReal(values), ColumnWriter::DoubleColumnWriter(w)) => {
            let present: Vec<f64> = values.iter().copied().flatten().collect();
            w.write_batch(&present, Some(&levels(&|row| values[row].is_some())), None)?
        }
        (Column::Text(values), ColumnWriter::ByteArrayColumnWriter(w)) => {
            w.write_batch(&values.iter().map(bytes).collect::<Vec<_>>(), None, None)?
        }
        (Column::OptionalText(values), ColumnWriter::ByteArrayColumnWriter(w)) => {
            let present: Vec<ByteArray> = values.iter().flatten().map(bytes).collect();
            w.write_batch(&present, Some(&levels(&|row| values[row].is_some())), None)?
        }
        (Column::Ints(lists), ColumnWriter::Int64ColumnWriter(w)) => {
            let (values, definition, repetition) = flatten(lists);
            w.write_batch(&values, Some(&definition), Some(&repetition))?
        }
        _ => return Err(mismatch()),
    };
    Ok(())
}

/// Dremel levels of lists that are never null: definition 0 is an empty list, repetition 1 continues one.
fn flatten(lists: &[Vec<i64>]) -> (Vec<i64>, Vec<i16>, Vec<i16>) {
    let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    for list in lists {
        if list.is_empty() {
            definition.push(0);
            repetition.push(0);
        }
        for (i, &value) in list.iter().enumerate() {
            values.push(value);
            definition.push(1);
            repetition.push(i16::from(i > 0));
        }
    }
    (values, definition, repetition)
}

fn write_error(path: &Path, error: ParquetError) -> Error {
    match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(io) => Error::io("write", path)(*io),
            Err(other) => Error::Unwritable { path: path.to_owned(), reason: other.to_string() },
        },
        other => Error::Unwritable { path: path.to_owned(), reason: other.to_string() },
    }
}

/// Reads the columns that `shape` declares; its values are ignored. A file may end after the first `oldest` columns or
/// any later one: the absent ones, which must be optional, come back without values.
fn read(path: &Path, shape: &Columns, oldest: usize) -> Result<Vec<Column>> {
    let file = File::open(path).map_err(Error::io("open", path))?;
    columns::caught(|| read_file(file, shape, oldest)).map_err(|fault| match fault {
        ReadFault::File(error) => Error::damaged(path, error.to_string()),
        ReadFault::Facts(reason) => Error::damaged(path, reason),
    })
}

enum ReadFault {
    File(columns::Error),
    Facts(String),
}

impl From<columns::Error> for ReadFault {
    fn from(error: columns::Error) -> Self {
        Self::File(error)
    }
}

impl From<ParquetError> for ReadFault {
    fn from(error: ParquetError) -> Self {
        Self::File(error.into())
    }
}

fn read_file(file: File, shape: &Columns, oldest: usize) -> std::result::Result<Vec<Column>, ReadFault> {
    let reader = columns::Table::open(file)?;
    let expected = parse_message_type(&schema_text(shape))?;
    let meta = reader.metadata();
    let fields = meta.file_metadata().schema().get_fields();
    if fields.len() < oldest || !expected.get_fields().starts_with(fields) {
        return Err(ReadFault::Facts("its columns are not those this edge-eval writes".into()));
    }
    let groups = meta.row_groups();
    let rows = groups.iter().map(|group| group.num_rows().max(0)).fold(0_i64, i64::saturating_add);
    let values = groups.iter().flat_map(RowGroupMetaData::columns).map(ColumnChunkMetaData::num_values).max().unwrap_or(0);
    if rows > MOST_ROWS || values > MOST_VALUES || groups.iter().any(|group| group.num_rows() < 0) {
        return Err(ReadFault::Facts(format!("it claims {rows} rows and {values} values a column")));
    }
    let mut columns = Vec::with_capacity(shape.len());
    for (index, (name, column)) in shape.iter().enumerate() {
        let mut whole = emptied(column);
        if index >= fields.len() {
            columns.push(absent(column, rows)?);
            continue;
        }
        for group in 0..groups.len() {
            append(&mut whole, reader.group(group)?.get_column_reader(index)?)?;
        }
        if whole.rows() as i64 != rows {
            return Err(ReadFault::Facts(format!("column {name} has {} rows of {rows}", whole.rows())));
        }
        columns.push(whole);
    }
    Ok(columns)
}

/// A column that a file does not have.
fn absent(column: &Column, rows: i64) -> std::result::Result<Column, ReadFault> {
    match column {
        Column::OptionalInt(_) => Ok(Column::OptionalInt(vec![None; rows as usize])),
        Column::OptionalReal(_) => Ok(Column::OptionalReal(vec![None; rows as usize])),
        Column::OptionalText(_) => Ok(Column::OptionalText(vec![None; rows as usize])),
        _ => Err(ReadFault::Facts("it lacks a column".into())),
    }
}

fn emptied(column: &Column) -> Column {
    match column {
        Column::Int(_) => Column::Int(Vec::new()),
        Column::OptionalInt(_) => Column::OptionalInt(Vec::new()),
        Column::Real(_) => Column::Real(Vec::new()),
        Column::OptionalReal(_) => Column::OptionalReal(Vec::new()),
        Column::Text(_) => Column::Text(Vec::new()),
        Column::OptionalText(_) => Column::OptionalText(Vec::new()),
        Column::Ints(_) => Column::Ints(Vec::new()),
    }
}

/// Reads one column chunk, batch by batch, so that a lying row count allocates no more than what is really there.
fn append(column: &mut Column, reader: ColumnReader) -> std::result::Result<(), ReadFault> {
    match (column, reader) {
        (Column::Int(out), ColumnReader::Int64ColumnReader(mut r)) => while r.read_records(BATCH, None, None, out)?.0 > 0 {},
        (Column::Real(out), ColumnReader::DoubleColumnReader(mut r)) => while r.read_records(BATCH, None, None, out)?.0 > 0 {},
        (Column::OptionalInt(out), ColumnReader::Int64ColumnReader(mut r)) => {
            let (mut values, mut levels) = (Vec::new(), Vec::new());
            while r.read_records(BATCH, Some(&mut levels), None, &mut values)?.0 > 0 {}
            out.extend(unfold(&levels, values));
        }
        (Column::OptionalReal(out), ColumnReader::DoubleColumnReader(mut r)) => {
            let (mut values, mut levels) = (Vec::new(), Vec::new());
            while r.read_records(BATCH, Some(&mut levels), None, &mut values)?.0 > 0 {}
            out.extend(unfold(&levels, values));
        }
        (Column::Text(out), ColumnReader::ByteArrayColumnReader(mut r)) => {
            let mut values = Vec::new();
            while r.read_records(BATCH, None, None, &mut values)?.0 > 0 {}
            out.extend(texts(values)?);
        }
        (Column::OptionalText(out), ColumnReader::ByteArrayColumnReader(mut r)) => {
            let (mut values, mut levels) = (Vec::new(), Vec::new());
            while r.read_records(BATCH, Some(&mut levels), None, &mut values)?.0 > 0 {}
            out.extend(unfold(&levels, texts(values)?));
        }
        (Column::Ints(out), ColumnReader::Int64ColumnReader(mut r)) => {
            let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
            while r.read_records(BATCH, Some(&mut definition), Some(&mut repetition), &mut values)?.0 > 0 {}
            let mut values = values.into_iter();
            for (defined, repeated) in definition.iter().zip(&repetition) {
                if *repeated == 0 {
                    out.push(Vec::new());
                }
                if let (1, Some(list)) = (*defined, out.last_mut()) {
                    list.extend(values.next());
                }
            }
        }
        _ => return Err(ReadFault::Facts("a column has another type than declared".into())),
    }
    Ok(())
}

fn unfold<T>(levels: &[i16], values: Vec<T>) -> Vec<Option<T>> {
    let mut values = values.into_iter();
    levels.iter().map(|&level| if level == 1 { values.next() } else { None }).collect()
}

fn texts(values: Vec<ByteArray>) -> std::result::Result<Vec<String>, ReadFault> {
    let text = |bytes: ByteArray| String::from_utf8(bytes.data().to_vec()).map_err(|_| ReadFault::Facts("a text is not UTF-8".into()));
    values.into_iter().map(text).collect()
}
