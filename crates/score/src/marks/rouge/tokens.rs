//! Text to tokens as `rouge_score` 0.1.2 does: lower case, runs of `a-z0-9`, and the Porter stem of tokens longer than three.

use std::collections::HashMap;

use super::porter;

/// Tokens of both texts as numbers, so that comparing two is comparing two integers.
#[derive(Default)]
pub(super) struct Vocabulary {
    ids: HashMap<String, u32>,
}

impl Vocabulary {
    /// The tokens of a text, numbered in order of first sight.
    pub(super) fn encode(&mut self, text: &str, stemmed: bool) -> Vec<u32> {
        let lower = text.to_lowercase();
        lower
            .split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit())
            .filter(|t| !t.is_empty())
            .map(|t| self.id(t, stemmed))
            .collect()
    }

    fn id(&mut self, token: &str, stemmed: bool) -> u32 {
        let next = self.ids.len() as u32;
        if stemmed && token.len() > 3 {
            return *self.ids.entry(porter::stem(token)).or_insert(next);
        }
        if let Some(&id) = self.ids.get(token) {
            return id;
        }
        self.ids.insert(token.to_owned(), next);
        next
    }

    /// How many distinct tokens have been seen.
    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_letters_and_digits_separates() {
        let mut vocabulary = Vocabulary::default();
        assert_eq!(vocabulary.encode("The cat's-meow, THE 3rd  café", false), [0, 1, 2, 3, 0, 4, 5]);
        assert_eq!(vocabulary.encode("", false), [] as [u32; 0]);
        // The Kelvin sign has the lower case form k, as in Python.
        assert_eq!(vocabulary.encode("\u{212A}", false), vocabulary.encode("k", false));
    }

    #[test]
    fn short_tokens_are_not_stemmed() {
        let mut vocabulary = Vocabulary::default();
        assert_ne!(vocabulary.encode("was", true), vocabulary.encode("wa", true));
        assert_eq!(vocabulary.encode("running", true), vocabulary.encode("run", true));
    }
}
