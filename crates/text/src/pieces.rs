//! From a vocabulary entry to the bytes it stands for. Decoding by bytes, not by strings, is what lets a stream hold back
//! half a character and lose nothing.

use serde_json::Value;
use tokenizers::DecoderWrapper;

/// How vocabulary entries spell bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pieces {
    /// GPT-2's alphabet: each byte is one printable character (`Ġ` is a space).
    ByteLevel,
    /// `SentencePiece`: `▁` is a space, `<0x0A>` a byte; the first space of a text may be one the encoder put there.
    Sentence {
        /// Whether the first space of a text is dropped.
        strip_first: bool,
    },
}

impl Pieces {
    /// Reads the spelling off a `tokenizer.json`'s decoder; `None` when it is neither of the two known ones.
    pub(crate) fn of(decoder: Option<&DecoderWrapper>) -> Option<Self> {
        let value = serde_json::to_value(decoder?).ok()?;
        let steps: Vec<&Value> = match value.get("decoders").and_then(Value::as_array) {
            Some(list) => list.iter().collect(),
            None => vec![&value],
        };
        let is = |step: &Value, name: &str| step.get("type").and_then(Value::as_str) == Some(name);
        if steps.iter().any(|step| is(step, "ByteLevel")) {
            return Some(Self::ByteLevel);
        }
        let replaces = |step: &Value| is(step, "Replace") && step.pointer("/pattern/String").and_then(Value::as_str) == Some("▁");
        let metaspace = |step: &Value| is(step, "Metaspace") && step.get("prepend_scheme").and_then(Value::as_str) != Some("never");
        if !steps.iter().any(|step| replaces(step) || is(step, "Metaspace")) {
            return None;
        }
        let strips = |step: &Value| is(step, "Strip") && step.get("start").and_then(Value::as_u64) > Some(0);
        Some(Self::Sentence { strip_first: steps.iter().any(|step| strips(step) || metaspace(step)) })
    }

    /// Appends the bytes of an ordinary vocabulary entry.
    pub(crate) fn append(self, piece: &str, out: &mut Vec<u8>) {
        match self {
            Self::ByteLevel => append_byte_level(piece, out),
            Self::Sentence { .. } => append_sentence(piece, out),
        }
    }
}

fn append_byte_level(piece: &str, out: &mut Vec<u8>) {
    let start = out.len();
    for character in piece.chars() {
        let Some(byte) = byte_of(character) else {
            // A character outside the alphabet: the entry is literal text.
            out.truncate(start);
            out.extend_from_slice(piece.as_bytes());
            return;
        };
        out.push(byte);
    }
}

fn append_sentence(piece: &str, out: &mut Vec<u8>) {
    if let Some(byte) = byte_token(piece) {
        out.push(byte);
        return;
    }
    for (index, part) in piece.split('▁').enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(part.as_bytes());
    }
}

/// The byte that a byte-fallback entry such as `<0x0A>` stands for.
pub(crate) fn byte_token(piece: &str) -> Option<u8> {
    let digits = piece.strip_prefix("<0x")?.strip_suffix('>')?;
    if digits.len() == 2 { u8::from_str_radix(digits, 16).ok() } else { None }
}

/// Whether GPT-2's alphabet writes the byte as the character of the same number.
const fn is_printable(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff)
}

/// The character that GPT-2's alphabet writes for a byte (`bytes_to_unicode` in its `encoder.py`).
pub(crate) fn char_of(byte: u8) -> char {
    if is_printable(byte) {
        return char::from(byte);
    }
    let order = (0..byte).filter(|&earlier| !is_printable(earlier)).count() as u32;
    char::from_u32(0x100 + order).expect("0x100 to 0x143 are all characters")
}

fn byte_of(character: char) -> Option<u8> {
    let code = character as u32;
    if code < 0x100 {
        return u8::try_from(code).ok().filter(|&byte| is_printable(byte));
    }
    // The 68 unprintable bytes in order: 0x00..=0x20, 0x7f..=0xa0, 0xad.
    match code - 0x100 {
        order @ 0..=0x20 => Some(order as u8),
        order @ 0x21..=0x42 => Some((order - 0x21) as u8 + 0x7f),
        0x43 => Some(0xad),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alphabet_is_a_bijection() {
        for byte in 0..=u8::MAX {
            assert_eq!(byte_of(char_of(byte)), Some(byte));
        }
        assert_eq!((char_of(b' '), char_of(b'\n'), char_of(0xad)), ('Ġ', 'Ċ', '\u{143}'));
        assert_eq!((byte_of('\u{144}'), byte_of(' ')), (None, None));
    }

    #[test]
    fn sentence_pieces_spell_spaces_and_bytes() {
        let spelled = |piece| {
            let mut out = Vec::new();
            Pieces::Sentence { strip_first: true }.append(piece, &mut out);
            out
        };
        assert_eq!(spelled("▁a▁b"), b" a b");
        assert_eq!(spelled("<0xE2>"), [0xe2]);
        assert_eq!(spelled("<0xZZ>"), b"<0xZZ>");
    }
}
