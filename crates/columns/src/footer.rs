//! The footer's claims that the parquet crate acts on without a look: how long it is, how many columns there are and how deep they nest.
//!
//! Source: `parquet.thrift` of Apache Parquet, `FileMetaData` and `SchemaElement`.

use crate::{
    Error, Result,
    source::Source,
    thrift::{Cursor, LIST, STOP, STRUCT},
};

/// Most bytes of the footer.
const MOST_BYTES: u64 = 256 << 20;
/// Most columns and groups of columns.
const MOST_ELEMENTS: u64 = 100_000;
/// Most groups within groups. The crate walks the schema by recursion.
const DEEPEST: usize = 64;

/// The last eight bytes: the footer's length and the magic.
pub(crate) const TAIL: u64 = 8;

/// Looks at the footer.
pub(crate) fn check(source: &Source) -> Result<()> {
    let damaged = |reason: &str| Error::Damaged { reason: reason.to_owned() };
    let Some(before) = source.length().checked_sub(TAIL) else { return Err(damaged("it is shorter than any")) };
    let mut tail = [0; TAIL as usize];
    source.read_exact_at(&mut tail, before)?;
    let (length, magic) = tail.split_at(4);
    match magic {
        b"PAR1" => {}
        b"PARE" => return Err(Error::Unsupported { what: "encryption".into() }),
        _ => return Err(damaged("it does not end as one")),
    }
    let length = u64::from(u32::from_le_bytes(length.try_into().expect("four bytes")));
    if length > before {
        return Err(damaged("its footer is longer than the file"));
    }
    if length > MOST_BYTES {
        return Err(Error::TooMuch { what: "bytes of footer", found: length, limit: MOST_BYTES });
    }
    let mut bytes = vec![0; length as usize];
    source.read_exact_at(&mut bytes, before - length)?;
    schema(&bytes)?.ok_or_else(|| damaged("its footer makes no sense"))
}

/// Finds the schema in the footer; `None` where there is none.
fn schema(bytes: &[u8]) -> Result<Option<()>> {
    let mut cursor = Cursor::new(bytes);
    let mut last = 0;
    while let Some(field) = cursor.field(last).filter(|field| field.kind != STOP) {
        if field.id == 2 && field.kind == LIST {
            return elements(&mut cursor);
        }
        if cursor.skip(field.kind).is_none() {
            break;
        }
        last = field.id;
    }
    Ok(None)
}

/// The schema is a tree in depth-first order; each element says how many children follow it.
fn elements(cursor: &mut Cursor<'_>) -> Result<Option<()>> {
    let Some((size, STRUCT)) = cursor.list() else { return Ok(None) };
    let too_much = |what, found, limit| Err(Error::TooMuch { what, found, limit });
    if size > MOST_ELEMENTS {
        return too_much("columns", size, MOST_ELEMENTS);
    }
    // Children still to come at each level above.
    let mut open: Vec<u64> = Vec::new();
    for _ in 0..size {
        let Some(children) = children(cursor) else { return Ok(None) };
        if children > size {
            return too_much("columns", children, size);
        }
        while open.last() == Some(&0) {
            open.pop();
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if children > 0 {
            open.push(children);
        }
        if open.len() > DEEPEST {
            return too_much("groups within groups", open.len() as u64, DEEPEST as u64);
        }
    }
    Ok(Some(()))
}

/// Reads one element to its end: `num_children` is its field 5.
fn children(cursor: &mut Cursor<'_>) -> Option<u64> {
    let (mut field, mut children) = (cursor.field(0)?, 0);
    while field.kind != STOP {
        if field.id == 5 {
            children = u64::try_from(cursor.int()?).ok()?;
        } else {
            cursor.skip(field.kind)?;
        }
        field = cursor.field(field.id)?;
    }
    Some(children)
}
