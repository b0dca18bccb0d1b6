//! Decoding one id at a time. What comes out is whole UTF-8, and all that came out together is what decoding all ids at
//! once gives.

use std::fmt;

use crate::Tokenizer;

/// Holds back the bytes of an unfinished character until the ids that finish it arrive. Special tokens are no text.
#[derive(Clone)]
pub struct DecodeStream {
    tokenizer: Tokenizer,
    pending: Vec<u8>,
    /// Whether the next byte, if it is a space, is the encoder's own and is dropped.
    drop_space: bool,
}

impl DecodeStream {
    pub(crate) fn new(tokenizer: Tokenizer, drop_space: bool) -> Self {
        Self { tokenizer, pending: Vec::new(), drop_space }
    }

    /// Takes one id and returns the text that is now certain: empty for special tokens and inside a character.
    pub fn push(&mut self, id: u32) -> String {
        if self.tokenizer.is_special(id) {
            return String::new();
        }
        self.tokenizer.append_bytes(id, &mut self.pending);
        if self.drop_space && !self.pending.is_empty() {
            self.drop_space = false;
            if self.pending[0] == b' ' {
                self.pending.remove(0);
            }
        }
        self.take_certain()
    }

    /// The end of the stream: an unfinished character becomes U+FFFD.
    pub fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned()
    }

    /// Takes everything but an unfinished character at the end; what can be no character becomes U+FFFD.
    fn take_certain(&mut self) -> String {
        let mut certain = String::new();
        let mut rest = self.pending.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(text) => {
                    certain.push_str(text);
                    rest = &[];
                    break;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    certain.push_str(std::str::from_utf8(valid).expect("from_utf8 found this part valid"));
                    rest = after;
                    let Some(length) = error.error_len() else { break };
                    certain.push(char::REPLACEMENT_CHARACTER);
                    rest = &rest[length..];
                }
            }
        }
        self.pending = rest.to_vec();
        certain
    }
}

impl fmt::Debug for DecodeStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodeStream").field("pending", &self.pending).finish_non_exhaustive()
    }
}
