//! Synthetic prompts of asked lengths: words in seeded order, so that no two prompts of a run begin alike and a prefix cache finds
//! nothing, except where a trace says that prompts share their first blocks.
//!
//! Lengths are exact where a [`Counter`] knows the server's tokenizer; else they follow a line fitted through what the server's usage said
//! of two probes. Tokenizers themselves are not known here.

mod words;

use std::cell::Cell;

use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

pub use words::WORDS;

use crate::{Error, Result, trace::BLOCK_TOKENS};

/// Counts the tokens that the server makes of a prompt, its chat template included.
pub trait Counter {
    /// Tokens of the whole prompt.
    ///
    /// # Errors
    /// Why it cannot be told.
    fn tokens(&self, prompt: &str) -> std::result::Result<u32, String>;
}

/// How words become tokens.
pub enum Measure<'a> {
    /// By the tokenizer itself.
    Counted(&'a dyn Counter),
    /// By a line through two probes.
    Line(Line),
}

/// Tokens of a prompt as a line over its words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Tokens of a prompt without words: the chat template's.
    pub overhead: f64,
    /// Tokens a word, above zero.
    pub per_word: f64,
}

impl Line {
    /// Through two probes of `(words, tokens)`, the second longer.
    ///
    /// # Errors
    /// [`Error::Prompts`] when the longer probe had no more tokens: such a count is of no use.
    pub fn through(short: (u32, u32), long: (u32, u32)) -> Result<Self> {
        let per_word = (f64::from(long.1) - f64::from(short.1)) / (f64::from(long.0) - f64::from(short.0));
        if per_word > 0.0 && per_word.is_finite() {
            return Ok(Self { overhead: (f64::from(short.1) - per_word * f64::from(short.0)).max(0.0), per_word });
        }
        Err(Error::Prompts {
            reason: format!("the server counted {} tokens in {} words and {} in {}", short.1, short.0, long.1, long.0),
            hint: "give its tokenizer (--tokenizer), or ask for words (--prompt-words)",
        })
    }
}

/// Tokens of prompts that are counted again after they were made; beyond it a tokenizer that never disagreed is trusted.
const COUNTED_TOKENS: u64 = 4_000_000;
/// Attempts to reach a length: each corrects by what the last was off.
const ATTEMPTS: u32 = 12;

/// Makes prompts. The same words and seed give the same prompts; another seed gives others from the first word on, but for chance.
pub struct Synthesis<'a> {
    words: Vec<&'a str>,
    measure: Option<Measure<'a>>,
    seed: u64,
    /// Tokens beside the words, once known.
    overhead: Cell<Option<u32>>,
    counted: Cell<u64>,
    surprised: Cell<bool>,
}

impl<'a> Synthesis<'a> {
    /// With at least two words, all different; `measure` is needed for lengths in tokens.
    ///
    /// # Errors
    /// [`Error::Prompts`] with fewer than two words.
    pub fn new(words: impl IntoIterator<Item = &'a str>, measure: Option<Measure<'a>>, seed: u64) -> Result<Self> {
        let mut words: Vec<&str> = words.into_iter().collect();
        if words.len() < 2 {
            return Err(Error::Prompts {
                reason: "there are no words to make them of".to_owned(),
                hint: "this tokenizer has no plain words; ask for --prompt-words instead of --prompt-tokens",
            });
        }
        words.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        Ok(Self { words, measure, seed, overhead: Cell::new(None), counted: Cell::new(0), surprised: Cell::new(false) })
    }

    /// A prompt of so many words that shares no beginning with another of this synthesis.
    pub fn of_words(&self, index: u64, words: u32) -> String {
        join(self.fresh(index).take(words as usize))
    }

    /// The same of so many tokens, the chat template's among them.
    ///
    /// # Errors
    /// [`Error::Prompts`] when the length cannot be reached.
    pub fn of_tokens(&self, index: u64, tokens: u32) -> Result<String> {
        self.sized(tokens, || self.fresh(index))
    }

    /// A prompt of so many tokens made of a trace's blocks: prompts that begin with the same blocks begin with the same text.
    ///
    /// # Errors
    /// [`Error::Prompts`] when the length cannot be reached.
    pub fn of_blocks(&self, blocks: &[u64], tokens: u32) -> Result<String> {
        let words = match self.measure {
            Some(Measure::Line(line)) => (f64::from(BLOCK_TOKENS) / line.per_word).round().max(1.0) as usize,
            _ => BLOCK_TOKENS as usize,
        };
        // A tokenizer may need more words than it counts tokens, so the last block has no end.
        let last = blocks.len().saturating_sub(1);
        let block = move |(place, id): (usize, &u64)| self.block(*id).take(if place == last { usize::MAX } else { words });
        self.sized(tokens, || blocks.iter().enumerate().flat_map(block))
    }

    /// The words of prompt `index`, without end. Its first ones spell the index, so that they are another prompt's only by running out.
    fn fresh(&self, index: u64) -> impl Iterator<Item = &'a str> + '_ {
        let base = self.words.len() as u64;
        let mut left = Some(index);
        let spelt = std::iter::from_fn(move || {
            let rest = left?;
            left = (rest >= base).then(|| rest / base - 1);
            Some(self.words[(rest % base) as usize])
        });
        spelt.chain(self.drawn(self.seed, index))
    }

    /// The words of a trace's block, without end.
    fn block(&self, id: u64) -> impl Iterator<Item = &'a str> + '_ {
        // Another seed than the fresh prompts', so that a block is never one of them.
        self.drawn(self.seed ^ 0x9E37_79B9_7F4A_7C15, id)
    }

    fn drawn(&self, seed: u64, stream: u64) -> impl Iterator<Item = &'a str> + '_ {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        std::iter::repeat_with(move || self.words[rng.random_range(0..self.words.len())])
    }

    /// As many words of a sequence as make the asked tokens.
    fn sized<'w, I: Iterator<Item = &'w str>>(&self, tokens: u32, words: impl Fn() -> I) -> Result<String> {
        match &self.measure {
            None => Err(Error::Prompts {
                reason: "a length in tokens needs a measure of tokens".to_owned(),
                hint: "give the server's tokenizer (--tokenizer), or ask for words (--prompt-words)",
            }),
            Some(Measure::Line(line)) => {
                let count = ((f64::from(tokens) - line.overhead) / line.per_word).round().max(1.0);
                Ok(join(words().take(count as usize)))
            }
            Some(Measure::Counted(counter)) => self.counted(*counter, tokens, words),
        }
    }

    fn counted<'w, I: Iterator<Item = &'w str>>(&self, counter: &dyn Counter, tokens: u32, words: impl Fn() -> I) -> Result<String> {
        let overhead = self.overhead(counter)?;
        let mut count = tokens.saturating_sub(overhead).max(1);
        let trusted = !self.surprised.get() && self.counted.get() > COUNTED_TOKENS;
        let mut nearest: Option<(String, u32)> = None;
        for _ in 0..ATTEMPTS {
            let prompt = join(words().take(count as usize));
            if trusted {
                return Ok(prompt);
            }
            let seen = count_tokens(counter, &prompt)?;
            self.counted.set(self.counted.get() + u64::from(seen));
            if seen == tokens {
                return Ok(prompt);
            }
            self.surprised.set(true);
            if seen < tokens && nearest.as_ref().is_none_or(|(_, before)| seen > *before) {
                nearest = Some((prompt, seen));
            }
            let next = corrected(count, seen.saturating_sub(overhead), tokens.saturating_sub(overhead));
            if next == count {
                break;
            }
            count = next;
        }
        let filled = nearest.map(|(prompt, seen)| self.filled(counter, tokens, prompt, seen)).transpose()?.flatten();
        filled.ok_or_else(|| Error::Prompts {
            reason: format!("no prompt of {tokens} tokens could be made"),
            hint: "ask for more tokens (the chat template takes some), or for words (--prompt-words)",
        })
    }

    /// A prompt that is a few tokens short, with words of other lengths put at its end until it is not.
    fn filled(&self, counter: &dyn Counter, tokens: u32, mut prompt: String, mut seen: u32) -> Result<Option<String>> {
        while seen < tokens {
            let mut grown = None;
            let words = self.words.iter().take(16).map(|word| format!("{prompt} {word}"));
            for candidate in words.chain([" a", " I", " of", ".", "s", "!"].map(|end| format!("{prompt}{end}"))) {
                let count = count_tokens(counter, &candidate)?;
                if count > seen && count <= tokens {
                    grown = Some((candidate, count));
                    break;
                }
            }
            let Some(next) = grown else { return Ok(None) };
            (prompt, seen) = next;
        }
        Ok(Some(prompt))
    }

    /// Tokens of a prompt beside its words, as one word shows.
    fn overhead(&self, counter: &dyn Counter) -> Result<u32> {
        if let Some(known) = self.overhead.get() {
            return Ok(known);
        }
        let overhead = count_tokens(counter, self.words[0])?.saturating_sub(1);
        self.overhead.set(Some(overhead));
        Ok(overhead)
    }
}

/// How many words to try after `count` words had `seen` tokens instead of `wanted`; as many again where no other number is nearer.
fn corrected(count: u32, seen: u32, wanted: u32) -> u32 {
    let per_word = (f64::from(seen) / f64::from(count)).max(1.0);
    let off = f64::from(wanted) - f64::from(seen);
    let step = (off / per_word).round();
    let step = if step == 0.0 { off.signum() } else { step };
    (f64::from(count) + step).max(1.0) as u32
}

fn count_tokens(counter: &dyn Counter, prompt: &str) -> Result<u32> {
    counter.tokens(prompt).map_err(|reason| Error::Prompts { reason, hint: "give the tokenizer that the server uses" })
}

fn join<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let mut text = String::new();
    for word in words {
        if !text.is_empty() {
            text.push(' ');
        }
        text += word;
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// A tokenizer that makes three tokens of words longer than six letters, and a template of nine.
    struct Fake;

    impl Counter for Fake {
        fn tokens(&self, prompt: &str) -> std::result::Result<u32, String> {
            Ok(9 + prompt.split_whitespace().map(|word| if word.len() > 6 { 3 } else { 1 }).sum::<u32>())
        }
    }

    /// A tokenizer to which every word is a token.
    struct Plain;

    impl Counter for Plain {
        fn tokens(&self, prompt: &str) -> std::result::Result<u32, String> {
            Ok(prompt.split(' ').count() as u32)
        }
    }

    /// A tokenizer of letters, to which every word is several tokens.
    struct Letters;

    impl Counter for Letters {
        fn tokens(&self, prompt: &str) -> std::result::Result<u32, String> {
            Ok(20 + prompt.len() as u32)
        }
    }

    #[test]
    fn words_of_many_tokens_make_lengths_too() {
        let made = Synthesis::new(WORDS, Some(Measure::Counted(&Letters)), 1).unwrap();
        for tokens in 40..400 {
            let length = Letters.tokens(&made.of_tokens(u64::from(tokens), tokens).unwrap()).unwrap();
            assert_eq!(length, tokens);
        }
    }

    fn synthesis(seed: u64) -> Synthesis<'static> {
        Synthesis::new(WORDS, Some(Measure::Counted(&Fake)), seed).unwrap()
    }

    fn first(text: &str, words: usize) -> Vec<&str> {
        text.split(' ').take(words).collect()
    }

    #[test]
    fn prompts_of_a_run_differ_from_the_first_word_on() {
        let made = synthesis(1);
        let begins: BTreeSet<String> = (0..WORDS.len() as u64).map(|i| first(&made.of_words(i, 8), 1).concat()).collect();
        assert_eq!(begins.len(), WORDS.len());
        let two: BTreeSet<String> = (0..20_000).map(|i| first(&made.of_words(i, 8), 2).join(" ")).collect();
        assert!(two.len() > 19_900, "{}", two.len());
    }

    #[test]
    fn another_seed_gives_other_prompts_and_the_same_seed_the_same() {
        let (a, b) = (synthesis(1), synthesis(2));
        let same = (0..500).filter(|i| first(&a.of_words(*i, 8), 1) == first(&b.of_words(*i, 8), 1)).count();
        assert!(same < 10, "{same}");
        assert_eq!(a.of_words(7, 30), synthesis(1).of_words(7, 30));
        assert_eq!(a.of_words(7, 30).split(' ').count(), 30);
    }

    #[test]
    fn blocks_share_their_text_and_nothing_more() {
        let made = Synthesis::new(WORDS, Some(Measure::Counted(&Plain)), 3).unwrap();
        let a = made.of_blocks(&[0, 1, 2], 1400).unwrap();
        let b = made.of_blocks(&[0, 1, 9], 1400).unwrap();
        let shared = a.split(' ').zip(b.split(' ')).take_while(|(a, b)| a == b).count();
        assert!((1024..1030).contains(&shared), "{shared}");
        let other = synthesis(4).of_blocks(&[0, 1, 2], 1400).unwrap();
        assert_ne!(first(&a, 4), first(&other, 4));
    }

    #[test]
    fn a_line_is_fitted_through_two_probes() {
        let line = Line::through((8, 47), (264, 559)).unwrap();
        assert_eq!(line, Line { overhead: 31.0, per_word: 2.0 });
        let made = Synthesis::new(WORDS, Some(Measure::Line(line)), 1).unwrap();
        assert_eq!(made.of_tokens(0, 1031).unwrap().split(' ').count(), 500);
        assert_eq!(made.of_blocks(&[1], 1031).unwrap().split(' ').count(), 500);
        assert!(Line::through((8, 10), (264, 10)).is_err());
    }

    #[test]
    fn what_cannot_be_made_is_said() {
        let error = synthesis(1).of_tokens(0, 9).unwrap_err();
        assert!(error.to_string().starts_with("prompts: no prompt of 9 tokens could be made"), "{error}");
        assert!(Synthesis::new(["one"], None, 1).is_err());
        assert!(Synthesis::new(WORDS, None, 1).unwrap().of_tokens(0, 5).is_err());
    }

    proptest! {
        // Below that the tokenizer's overhead leaves less room than a first word may need, and an error says so.
        #[test]
        fn lengths_are_exact(index in 0..1_000_000u64, tokens in 16..3000u32, seed: u64) {
            let made = synthesis(seed);
            prop_assert_eq!(Fake.tokens(&made.of_tokens(index, tokens).unwrap()).unwrap(), tokens);
            let blocks: Vec<u64> = (0..u64::from(tokens.div_ceil(BLOCK_TOKENS))).collect();
            prop_assert_eq!(Fake.tokens(&made.of_blocks(&blocks, tokens).unwrap()).unwrap(), tokens);
        }
    }
}
