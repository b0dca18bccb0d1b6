//! What is in the file comes out of it.

use columns::Error;
use parquet::basic::Encoding;
use serde_json::json;

use crate::{chat, rows};

const ROWS: &[(&str, &[(&str, &str)])] = &[("a", &[("user", "hi\nthere"), ("assistant", "ho")]), ("b", &[]), ("c", &[("user", "ß")])];

#[test]
fn lists_of_structs_and_two_groups() {
    for encoding in [None, Some(Encoding::PLAIN), Some(Encoding::DELTA_LENGTH_BYTE_ARRAY)] {
        let found = rows(&chat(ROWS, encoding), &["messages", "id", "absent"]).unwrap();
        assert_eq!(found.len(), 6, "{encoding:?}");
        let messages = json!([{"content": "hi\nthere", "role": "user"}, {"content": "ho", "role": "assistant"}]);
        assert_eq!(found[0], json!({"id": "a", "messages": messages}));
        assert_eq!(found[1], json!({"id": "b", "messages": []}));
        assert_eq!(found[5], json!({"id": "c", "messages": [{"content": "ß", "role": "user"}]}));
    }
}

#[test]
fn what_is_not_read_says_so() {
    let error = rows(&chat(ROWS, Some(Encoding::DELTA_BYTE_ARRAY)), &["id"]).unwrap_err();
    assert!(matches!(&error, Error::Unsupported { what } if what.contains("DELTA_BYTE_ARRAY")), "{error}");
    assert!(error.hint().unwrap().contains("Snappy"));
    for bytes in [&b""[..], b"PAR1", b"{\"a\": 1}\n{\"a\": 2}\n"] {
        assert!(matches!(rows(bytes, &["id"]).unwrap_err(), Error::Damaged { .. }));
    }
}

#[test]
fn a_file_without_the_columns_has_rows_without_them() {
    assert_eq!(rows(&chat(ROWS, None), &["absent"]).unwrap().len(), 6);
}
