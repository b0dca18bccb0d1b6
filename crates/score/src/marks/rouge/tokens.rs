//! Text to tokens as `rouge_score` 0.1.2 does: lower case, runs of `a-z0-9`, and the Porter stem of tokens longer than three.
//!
//! A token becomes a number that stays the same as long as the vocabulary lives, so that comparing two is comparing two integers
//! and no word is stemmed twice.

use super::porter;

/// Bytes of words that are kept before everything is forgotten: XSum's test set and three systems have 0.2 MB of distinct words, hostile
/// answers any number.
const MOST_BYTES: usize = 4 << 20;

/// Zeros after a text, so that eight bytes can be read from any place in it.
const PADDING: usize = 8;

/// Stands for a stem that was not looked for yet.
const UNKNOWN: u32 = u32::MAX;

/// Words with their numbers: a hash table with open addressing over one text of all words.
#[derive(Default)]
pub(super) struct Vocabulary {
    /// All words, one after the other.
    text: Vec<u8>,
    words: Vec<Word>,
    /// Number of a word plus one; 0 is free. As long as a power of two, at most half full.
    table: Vec<u32>,
    /// A text in lower case, with 0 for what separates and [`PADDING`] zeros at its end.
    lower: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Word {
    start: u32,
    end: u32,
    key: Key,
    /// Number of its stem.
    stem: u32,
}

/// What tells a word from others: the word itself up to eight bytes, beyond that a digest and the length.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    bytes: u64,
    length: u32,
}

impl Vocabulary {
    /// Appends the tokens of a text.
    pub(super) fn encode(&mut self, text: &str, stemmed: bool, tokens: &mut Vec<u32>) {
        let mut lower = std::mem::take(&mut self.lower);
        lower.clear();
        if text.is_ascii() {
            lower.extend(text.bytes().map(token_byte));
        } else {
            // Some letters beyond ASCII have lower case forms within it.
            lower.extend(text.to_lowercase().bytes().map(token_byte));
        }
        let end = lower.len();
        lower.extend([0; PADDING]);
        let mut at = 0;
        while at < end {
            let length = word_length(&lower, at);
            if length > 0 {
                let id = self.id(&lower, at, length);
                tokens.push(if stemmed && length > 3 { self.stem(id) } else { id });
            }
            at += length + 1;
        }
        self.lower = lower;
    }

    /// One more than the largest number of a token.
    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// Forgets all words where they have become too many. Numbers given out before mean nothing afterwards.
    pub(super) fn tidy(&mut self) {
        if self.text.len() > MOST_BYTES {
            *self = Self::default();
        }
    }

    fn stem(&mut self, id: u32) -> u32 {
        let word = self.words[id as usize];
        if word.stem != UNKNOWN {
            return word.stem;
        }
        let letters = std::str::from_utf8(&self.text[word.start as usize..word.end as usize]).expect("tokens are ASCII");
        let mut stem = porter::stem(letters).into_bytes();
        let length = stem.len();
        stem.extend([0; PADDING]);
        let stem = self.id(&stem, 0, length);
        self.words[id as usize].stem = stem;
        stem
    }

    /// The number of the word that stands at a place of a padded text.
    fn id(&mut self, padded: &[u8], at: usize, length: usize) -> u32 {
        if self.table.len() < 2 * (self.words.len() + 1) {
            self.grow();
        }
        let word = &padded[at..at + length];
        let key = Key::of(padded, at, length);
        let last = self.table.len() - 1;
        let mut slot = key.slot(last);
        while let Some(id) = self.table[slot].checked_sub(1) {
            let known = &self.words[id as usize];
            if known.key == key && (length <= 8 || &self.text[known.start as usize..known.end as usize] == word) {
                return id;
            }
            slot = (slot + 1) & last;
        }
        let id = self.words.len() as u32;
        let start = self.text.len() as u32;
        self.text.extend_from_slice(word);
        self.words.push(Word { start, end: self.text.len() as u32, key, stem: UNKNOWN });
        self.table[slot] = id + 1;
        id
    }

    fn grow(&mut self) {
        let size = (2 * self.table.len()).max(1024);
        self.table.clear();
        self.table.resize(size, 0);
        for (id, word) in self.words.iter().enumerate() {
            let mut slot = word.key.slot(size - 1);
            while self.table[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            self.table[slot] = id as u32 + 1;
        }
    }
}

/// The byte in lower case; 0 where it belongs to no token.
fn token_byte(byte: u8) -> u8 {
    let lower = byte.to_ascii_lowercase();
    if lower.is_ascii_lowercase() || byte.is_ascii_digit() { lower } else { 0 }
}

impl Key {
    fn of(padded: &[u8], at: usize, length: usize) -> Self {
        let mut bytes = 0;
        for start in (0..length).step_by(8) {
            let number = eight(padded, at + start);
            let rest = length - start;
            let number = if rest < 8 { number & ((1 << (8 * rest)) - 1) } else { number };
            bytes = if length <= 8 { number } else { mix(bytes ^ number) };
        }
        Self { bytes, length: length as u32 }
    }

    /// Where in a table the search begins; `last` is its length less one.
    fn slot(self, last: usize) -> usize {
        mix(self.bytes) as usize & last
    }
}

/// Every bit of the result depends on every bit of the number.
fn mix(number: u64) -> u64 {
    let product = u128::from(number) * 0x9e37_79b9_7f4a_7c15;
    product as u64 ^ (product >> 64) as u64
}

/// Eight bytes of a padded text, the first lowest.
fn eight(padded: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(padded[at..at + 8].try_into().expect("eight bytes"))
}

/// Bytes from `at` to the next 0.
fn word_length(padded: &[u8], at: usize) -> usize {
    let mut length = 0;
    loop {
        let bytes = eight(padded, at + length);
        // The lowest set bit is the top bit of the first zero byte (Mycroft's test).
        let zeros = bytes.wrapping_sub(0x0101_0101_0101_0101) & !bytes & 0x8080_8080_8080_8080;
        if zeros != 0 {
            return length + zeros.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(vocabulary: &mut Vocabulary, text: &str, stemmed: bool) -> Vec<u32> {
        let mut tokens = Vec::new();
        vocabulary.encode(text, stemmed, &mut tokens);
        tokens
    }

    #[test]
    fn everything_but_letters_and_digits_separates() {
        let mut vocabulary = Vocabulary::default();
        assert_eq!(encode(&mut vocabulary, "The cat's-meow, THE 3rd  café", false), [0, 1, 2, 3, 0, 4, 5]);
        assert_eq!(encode(&mut vocabulary, "", false), [] as [u32; 0]);
        // The Kelvin sign has the lower case form k, as in Python.
        assert_eq!(encode(&mut vocabulary, "\u{212A}", false), encode(&mut vocabulary, "k", false));
    }

    #[test]
    fn short_tokens_are_not_stemmed() {
        let mut vocabulary = Vocabulary::default();
        assert_ne!(encode(&mut vocabulary, "was", true), encode(&mut vocabulary, "wa", true));
        assert_eq!(encode(&mut vocabulary, "running", true), encode(&mut vocabulary, "run", true));
        assert_ne!(encode(&mut vocabulary, "running", false), encode(&mut vocabulary, "run", false));
    }

    #[test]
    fn many_words_keep_their_numbers() {
        let mut vocabulary = Vocabulary::default();
        let words: Vec<String> = (0..10_000).map(|i| format!("word{i}and{}", i * 7)).collect();
        let text = words.join(" ");
        let first = encode(&mut vocabulary, &text, false);
        assert_eq!(first, (0..10_000).collect::<Vec<u32>>());
        assert_eq!(encode(&mut vocabulary, &text, false), first);
        assert_eq!(vocabulary.len(), 10_000);
    }

    #[test]
    fn too_many_words_are_forgotten() {
        let mut vocabulary = Vocabulary::default();
        vocabulary.encode(&"x".repeat(MOST_BYTES + 1), false, &mut Vec::new());
        assert_eq!(vocabulary.len(), 1);
        vocabulary.tidy();
        assert_eq!(vocabulary.len(), 0);
    }
}
