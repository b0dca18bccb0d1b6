//! Files that lie: an error or other rows, never a panic and never memory that the file's size does not warrant.

use columns::Error;
use proptest::prelude::*;

use crate::{chat, rows};

const ROWS: &[(&str, &[(&str, &str)])] = &[("a", &[("user", "hi"), ("assistant", "ho")]), ("b", &[("user", "hi")])];

fn thrift(number: i64) -> Vec<u8> {
    let mut rest = ((number << 1) ^ (number >> 63)) as u64;
    let mut bytes = Vec::new();
    while rest > 0x7f {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

/// A file of one footer: version 1 and a schema of the given elements.
fn footer(elements: &[u8], count: u32) -> Vec<u8> {
    let mut footer = vec![0x15, 0x02, 0x19, 0xfc];
    let mut rest = count;
    while rest > 0x7f {
        footer.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    footer.push(rest as u8);
    footer.extend(elements);
    let length = footer.len() as u32;
    [b"PAR1".as_slice(), &footer, &length.to_le_bytes(), b"PAR1"].concat()
}

#[test]
fn a_schema_without_bottom() {
    // A group named x of one child, again and again.
    let element = [0x35, 0x00, 0x18, 0x01, b'x', 0x15, 0x02, 0x00];
    let error = rows(&footer(&element.repeat(50_000), 50_000), &["x"]).unwrap_err();
    assert!(matches!(error, Error::TooMuch { what: "groups within groups", .. }), "{error}");
}

#[test]
fn more_children_than_elements() {
    let mut element = vec![0x35, 0x00, 0x18, 0x01, b'x', 0x15];
    element.extend(thrift(i64::from(i32::MAX)));
    element.push(0);
    let error = rows(&footer(&element, 1), &["x"]).unwrap_err();
    assert!(matches!(error, Error::TooMuch { what: "columns", found: 0x7fff_ffff, .. }), "{error}");
}

/// The first page header of the file with its sizes replaced.
fn with_sizes(decompressed: i64, values: i64) -> Vec<u8> {
    let whole = chat(ROWS, None);
    // Type 2 (dictionary), then the two sizes, then field 7 with the number of values.
    assert_eq!(whole[4..6], [0x15, 0x04]);
    let mut header = vec![0x15, 0x04, 0x15];
    header.extend(thrift(decompressed));
    header.push(0x15);
    header.extend(thrift(12));
    header.extend([0x4c, 0x15]);
    header.extend(thrift(values));
    // Written over the old one and what follows: it is refused before that is read.
    let mut bytes = whole;
    bytes[4..4 + header.len()].copy_from_slice(&header);
    bytes
}

#[test]
fn a_page_that_claims_two_gigabytes() {
    let error = rows(&with_sizes(i64::from(i32::MAX), 2), &["id"]).unwrap_err();
    assert!(matches!(error, Error::TooMuch { what: "bytes of one page", .. }), "{error}");
}

#[test]
fn a_dictionary_of_more_values_than_bytes() {
    let error = rows(&with_sizes(10, 1 << 30), &["id"]).unwrap_err();
    assert!(matches!(error, Error::TooMuch { what: "values of a dictionary", .. }), "{error}");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = rows(&bytes, &["id", "messages"]);
        let _ = rows(&footer(&bytes, bytes.len() as u32 / 8), &["id", "messages"]);
    }

    #[test]
    fn no_damage_panics(
        at in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        plain in any::<bool>(),
    ) {
        let encoding = plain.then_some(parquet::basic::Encoding::DELTA_LENGTH_BYTE_ARRAY);
        let mut bytes = chat(ROWS, encoding);
        for (place, value) in at {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Some(cut) = cut {
            bytes.drain(..cut.index(bytes.len()));
        }
        let _ = rows(&bytes, &["id", "messages"]);
    }
}
