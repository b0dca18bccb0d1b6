//! As much of Thrift's compact protocol as it takes to see what a header claims before anybody believes it.
//!
//! Source: the Thrift compact protocol specification (`doc/specs/thrift-compact-protocol.md` of Apache Thrift).

/// Structs within structs that are stepped over.
const DEEPEST: u8 = 32;

/// A field of a struct: its number and its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FieldHead {
    pub(crate) id: i16,
    pub(crate) kind: u8,
}

/// Types as the protocol numbers them.
pub(crate) const STOP: u8 = 0;
pub(crate) const I32: u8 = 5;
pub(crate) const LIST: u8 = 9;
pub(crate) const STRUCT: u8 = 12;

/// A place in a header. Every read is `None` where the bytes end or make no sense.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next field of a struct whose last field was `last`; of kind [`STOP`] at its end.
    pub(crate) fn field(&mut self, last: i16) -> Option<FieldHead> {
        let byte = self.byte()?;
        if byte == STOP {
            return Some(FieldHead { id: last, kind: STOP });
        }
        let (delta, kind) = (byte >> 4, byte & 0x0f);
        let id = if delta == 0 { i16::try_from(self.int()?).ok()? } else { last.checked_add(i16::from(delta))? };
        Some(FieldHead { id, kind })
    }

    /// Elements and their type.
    pub(crate) fn list(&mut self) -> Option<(u64, u8)> {
        let byte = self.byte()?;
        let size = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
        Some((size, byte & 0x0f))
    }

    /// A whole number of any width.
    pub(crate) fn int(&mut self) -> Option<i64> {
        let raw = self.varint()?;
        Some((raw >> 1) as i64 ^ -((raw & 1) as i64))
    }

    /// Steps over a value.
    pub(crate) fn skip(&mut self, kind: u8) -> Option<()> {
        self.skip_within(kind, DEEPEST)
    }

    fn skip_within(&mut self, kind: u8, depth: u8) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            // Truth values of fields stand in the type itself.
            1 | 2 => Some(()),
            3 => self.take(1),
            4..=6 => self.varint().map(drop),
            7 => self.take(8),
            8 => {
                let length = self.varint()?;
                self.take(usize::try_from(length).ok()?)
            }
            LIST | 10 => {
                let (size, kind) = self.list()?;
                self.skip_elements(size, &[kind], depth)
            }
            11 => {
                let size = self.varint()?;
                if size == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                self.skip_elements(size, &[kinds >> 4, kinds & 0x0f], depth)
            }
            STRUCT => {
                let mut field = self.field(0)?;
                while field.kind != STOP {
                    self.skip_within(field.kind, depth)?;
                    field = self.field(field.id)?;
                }
                Some(())
            }
            13 => self.take(16),
            _ => None,
        }
    }

    fn skip_elements(&mut self, size: u64, kinds: &[u8], depth: u8) -> Option<()> {
        for _ in 0..size {
            for &kind in kinds {
                // Truth values within lists take a byte, so that every element shortens the rest and a lying size ends soon.
                if matches!(kind, 1 | 2) { self.take(1)? } else { self.skip_within(kind, depth)? }
            }
        }
        Some(())
    }

    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn take(&mut self, length: usize) -> Option<()> {
        self.rest = self.rest.get(length..)?;
        Some(())
    }

    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_and_numbers() {
        // Field 1, i32, zigzag 150; field 17 by its own number; end.
        let mut cursor = Cursor::new(&[0x15, 0xac, 0x02, 0x05, 0x22, 0x01, 0x00]);
        assert_eq!(cursor.field(0).unwrap(), FieldHead { id: 1, kind: I32 });
        assert_eq!(cursor.int().unwrap(), 150);
        assert_eq!(cursor.field(1).unwrap(), FieldHead { id: 17, kind: I32 });
        assert_eq!(cursor.int().unwrap(), -1);
        assert_eq!(cursor.field(17).unwrap().kind, STOP);
        assert_eq!(cursor.field(17), None);
    }

    #[test]
    fn nesting_without_end_is_refused() {
        assert!(Cursor::new(&[0x1c; 10_000]).skip(STRUCT).is_none());
        assert!(Cursor::new(&[0x19; 10_000]).skip(LIST).is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0u8..16) {
            let _ = Cursor::new(&bytes).skip(kind);
        }
    }
}
