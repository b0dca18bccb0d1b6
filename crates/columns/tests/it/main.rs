//! Files as `datasets` and pyarrow write them, and files that lie.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail loudly")]

mod hostile;
mod nested;

use std::{fs::File, io::Write, sync::Arc};

use columns::{Result, Table};
use parquet::{
    basic::{Compression, Encoding},
    column::writer::ColumnWriter,
    data_type::ByteArray,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::{parser::parse_message_type, types::ColumnPath},
};
use serde_json::Value;

/// `id`, and per row a list of structs of two texts, as a chat has them. Two row groups of the same rows.
fn chat(rows: &[(&str, &[(&str, &str)])], encoding: Option<Encoding>) -> Vec<u8> {
    let schema = "message schema {
        OPTIONAL BYTE_ARRAY id (STRING);
        OPTIONAL GROUP messages (LIST) { REPEATED GROUP list { OPTIONAL GROUP element {
            OPTIONAL BYTE_ARRAY content (STRING);
            OPTIONAL BYTE_ARRAY role (STRING);
        } } }
        OPTIONAL INT64 other;
    }";
    let mut properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
    if let Some(encoding) = encoding {
        for path in [&["id"][..], &["messages", "list", "element", "content"], &["messages", "list", "element", "role"]] {
            let path = ColumnPath::new(path.iter().map(|&part| part.to_owned()).collect());
            properties = properties.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, encoding);
        }
    }
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, Arc::new(parse_message_type(schema).unwrap()), Arc::new(properties.build())).unwrap();
    for _ in 0..2 {
        let mut group = writer.next_row_group().unwrap();
        let text = |texts: Vec<&str>| texts.into_iter().map(ByteArray::from).collect::<Vec<_>>();
        // Definition 0 is a list that is null, 1 an empty one, 4 a text.
        let (mut definition, mut repetition) = (Vec::new(), Vec::new());
        for (_, messages) in rows {
            definition.extend(if messages.is_empty() { vec![1] } else { vec![4; messages.len()] });
            repetition.extend((0..messages.len().max(1)).map(|i| i16::from(i > 0)));
        }
        let mut column = group.next_column().unwrap().unwrap();
        let ColumnWriter::ByteArrayColumnWriter(ids) = column.untyped() else { panic!() };
        ids.write_batch(&text(rows.iter().map(|row| row.0).collect()), Some(&vec![1; rows.len()]), None).unwrap();
        column.close().unwrap();
        let pairs = || rows.iter().flat_map(|row| row.1.iter().copied());
        for texts in [text(pairs().map(|pair| pair.1).collect()), text(pairs().map(|pair| pair.0).collect())] {
            let mut column = group.next_column().unwrap().unwrap();
            let ColumnWriter::ByteArrayColumnWriter(writer) = column.untyped() else { panic!() };
            writer.write_batch(&texts, Some(&definition), Some(&repetition)).unwrap();
            column.close().unwrap();
        }
        let mut column = group.next_column().unwrap().unwrap();
        let ColumnWriter::Int64ColumnWriter(numbers) = column.untyped() else { panic!() };
        numbers.write_batch(&vec![7; rows.len()], Some(&vec![1; rows.len()]), None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

fn open(bytes: &[u8]) -> Result<Table> {
    let mut file: File = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Table::open(file)
}

fn rows(bytes: &[u8], columns: &[&str]) -> Result<Vec<Value>> {
    // A lying row count ends with the first column that runs out, or here.
    open(bytes)?.rows(columns)?.take(10_000).collect()
}
