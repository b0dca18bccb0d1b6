//! ROUGE-1, -2, -L and -Lsum, equal to Python's `rouge_score` 0.1.2 with and without its stemmer.
//!
//! Source: Lin, "ROUGE: a Package for Automatic Evaluation of Summaries", Text Summarization Branches Out (2004), as implemented in
//! `google-research/rouge` (which replicates ROUGE-1.5.5 without stop word removal). The mark is the F-measure; over several
//! references the one with the best F counts. Lsum takes sentences to be separated by newlines. It is not BLEU, and it knows no synonyms.

mod lcs;
mod porter;
mod tokens;

use std::{cell::RefCell, cmp::Ordering, collections::HashMap};

use self::{lcs::Pattern, tokens::Vocabulary};
use super::{Compute, Mark};

/// Which ROUGE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Overlap of n-grams; `n` is at least 1.
    N(usize),
    /// Longest common subsequence of the whole texts.
    L,
    /// Union of longest common subsequences, line by line.
    Lsum,
}

/// One comparison; all three are in 0..1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rouge {
    /// Share of the prediction that is in the reference.
    pub precision: f64,
    /// Share of the reference that is in the prediction.
    pub recall: f64,
    /// Their harmonic mean, the mark.
    pub f1: f64,
}

impl Rouge {
    fn of(hits: usize, in_prediction: usize, in_reference: usize) -> Self {
        if in_prediction == 0 || in_reference == 0 {
            return Self::default();
        }
        let (precision, recall) = (hits as f64 / in_prediction as f64, hits as f64 / in_reference as f64);
        let f1 = if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
        Self { precision, recall, f1 }
    }
}

/// Compares a prediction with one reference.
pub fn rouge(variant: Variant, stemmed: bool, reference: &str, prediction: &str) -> Rouge {
    thread_local! {
        static SCORER: RefCell<Scorer> = RefCell::default();
    }
    SCORER.with_borrow_mut(|scorer| scorer.score(variant, stemmed, reference, prediction))
}

/// The stem that the stemmed marks see of a word in lower case: NLTK's Porter stemmer.
pub fn porter_stem(word: &str) -> String {
    porter::stem(word)
}

/// Compares pairs, one after the other: words that were seen before cost a look-up.
#[derive(Default)]
struct Scorer {
    vocabulary: Vocabulary,
    pattern: Pattern,
    reference: Vec<u32>,
    prediction: Vec<u32>,
}

impl Scorer {
    fn score(&mut self, variant: Variant, stemmed: bool, reference: &str, prediction: &str) -> Rouge {
        self.vocabulary.tidy();
        if variant == Variant::Lsum {
            return self.summary_level(stemmed, reference, prediction);
        }
        let Self { vocabulary, pattern, reference: r, prediction: p } = self;
        r.clear();
        p.clear();
        vocabulary.encode(reference, stemmed, r);
        vocabulary.encode(prediction, stemmed, p);
        if let Variant::N(n) = variant {
            return ngrams(n.max(1), r, p);
        }
        pattern.set(r, vocabulary.len());
        let common = pattern.common(p);
        pattern.clear(r);
        Rouge::of(common, p.len(), r.len())
    }

    /// Section 3.2 of the paper, with ROUGE-1.5.5's rule that no token is counted more often than either side has it.
    fn summary_level(&mut self, stemmed: bool, reference: &str, prediction: &str) -> Rouge {
        let Self { vocabulary, pattern, .. } = self;
        let mut lines = |text: &str| -> Vec<Vec<u32>> {
            let line = |line: &str| {
                let mut tokens = Vec::new();
                vocabulary.encode(line, stemmed, &mut tokens);
                tokens
            };
            text.split('\n').filter(|line| !line.is_empty()).map(line).collect()
        };
        let (reference, prediction) = (lines(reference), lines(prediction));
        let (mut in_reference, mut in_prediction) = (counts(&reference), counts(&prediction));
        let (m, n) = (in_reference.values().sum(), in_prediction.values().sum());
        let mut hits = 0;
        for line in &reference {
            pattern.set(line, vocabulary.len());
            let mut union: Vec<usize> = prediction.iter().flat_map(|candidate| pattern.positions(line, candidate)).collect();
            pattern.clear(line);
            union.sort_unstable();
            union.dedup();
            for position in union {
                let token = line[position];
                if let (Some(r @ 1..), Some(p @ 1..)) = (in_reference.get_mut(&token), in_prediction.get_mut(&token)) {
                    *r -= 1;
                    *p -= 1;
                    hits += 1;
                }
            }
        }
        Rouge::of(hits, n, m)
    }
}

fn counts(lines: &[Vec<u32>]) -> HashMap<u32, usize> {
    let mut counts = HashMap::new();
    lines.iter().flatten().for_each(|&token| *counts.entry(token).or_default() += 1);
    counts
}

/// Both bags of n-grams in order, so that one walk through them finds what is in both.
fn ngrams(n: usize, reference: &[u32], prediction: &[u32]) -> Rouge {
    let mut wanted: Vec<&[u32]> = reference.windows(n).collect();
    let mut given: Vec<&[u32]> = prediction.windows(n).collect();
    wanted.sort_unstable();
    given.sort_unstable();
    let (mut i, mut j, mut hits) = (0, 0, 0);
    while i < wanted.len() && j < given.len() {
        match wanted[i].cmp(given[j]) {
            Ordering::Less => i += 1,
            Ordering::Greater => j += 1,
            Ordering::Equal => (i, j, hits) = (i + 1, j + 1, hits + 1),
        }
    }
    Rouge::of(hits, given.len(), wanted.len())
}

/// Compares a prediction with several references: the first of those with the best F-measure counts, as `score_multi` has it.
pub fn best(variant: Variant, stemmed: bool, prediction: &str, references: &[&str]) -> Rouge {
    let scores = references.iter().map(|reference| rouge(variant, stemmed, reference, prediction));
    scores.reduce(|best, score| if score.f1 > best.f1 { score } else { best }).unwrap_or_default()
}

const SOURCE: &str = "Lin 2004; rouge_score 0.1.2";

pub(super) static ROUGE_1: Mark = Mark {
    name: "rouge_1",
    definition: "F-measure of the words shared with the reference",
    source: SOURCE,
    compute: Compute::Rouge(Variant::N(1), false),
};

pub(super) static ROUGE_1_STEMMED: Mark = Mark {
    name: "rouge_1_stemmed",
    definition: "F-measure of the word stems (Porter, NLTK's mode) shared with the reference",
    source: SOURCE,
    compute: Compute::Rouge(Variant::N(1), true),
};

pub(super) static ROUGE_2: Mark = Mark {
    name: "rouge_2",
    definition: "F-measure of the pairs of neighbouring words shared with the reference",
    source: SOURCE,
    compute: Compute::Rouge(Variant::N(2), false),
};

pub(super) static ROUGE_2_STEMMED: Mark = Mark {
    name: "rouge_2_stemmed",
    definition: "F-measure of the pairs of neighbouring word stems shared with the reference",
    source: SOURCE,
    compute: Compute::Rouge(Variant::N(2), true),
};

pub(super) static ROUGE_L: Mark = Mark {
    name: "rouge_l",
    definition: "F-measure of the longest common subsequence of words with the reference",
    source: SOURCE,
    compute: Compute::Rouge(Variant::L, false),
};

pub(super) static ROUGE_L_STEMMED: Mark = Mark {
    name: "rouge_l_stemmed",
    definition: "F-measure of the longest common subsequence of word stems with the reference",
    source: SOURCE,
    compute: Compute::Rouge(Variant::L, true),
};

pub(super) static ROUGE_LSUM: Mark = Mark {
    name: "rouge_lsum",
    definition: "F-measure of the union of longest common subsequences of words, line by line",
    source: SOURCE,
    compute: Compute::Rouge(Variant::Lsum, false),
};

pub(super) static ROUGE_LSUM_STEMMED: Mark = Mark {
    name: "rouge_lsum_stemmed",
    definition: "F-measure of the union of longest common subsequences of word stems, line by line",
    source: SOURCE,
    compute: Compute::Rouge(Variant::Lsum, true),
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_readme_of_the_reference_implementation() {
        // rouge_score's own example: 'The quick brown fox jumps over the lazy dog' / 'The quick brown dog jumps on the log.'
        let score = rouge(Variant::L, true, "The quick brown fox jumps over the lazy dog", "The quick brown dog jumps on the log.");
        assert!((score.precision - 5.0 / 8.0).abs() < 1e-15 && (score.recall - 5.0 / 9.0).abs() < 1e-15);
    }

    #[test]
    fn nothing_scores_nothing() {
        for variant in [Variant::N(1), Variant::N(2), Variant::L, Variant::Lsum] {
            assert_eq!(rouge(variant, false, "", "a b"), Rouge::default());
            assert_eq!(rouge(variant, false, "a b", ""), Rouge::default());
            assert_eq!(rouge(variant, false, "a b", "--\n--"), Rouge::default());
        }
        // Bigrams of a single word do not exist.
        assert_eq!(rouge(Variant::N(2), false, "word", "word"), Rouge::default());
    }

    proptest! {
        #[test]
        fn within_0_and_1_symmetric_and_full_with_itself(a in "([a-d]{1,2}[ .\n]){0,20}", b in "([a-d]{1,2}[ .\n]){0,20}") {
            for variant in [Variant::N(1), Variant::N(2), Variant::L, Variant::Lsum] {
                let score = rouge(variant, true, &a, &b);
                prop_assert!((0.0..=1.0).contains(&score.f1) && (0.0..=1.0).contains(&score.precision));
                if variant != Variant::Lsum {
                    prop_assert_eq!(score.precision.to_bits(), rouge(variant, true, &b, &a).recall.to_bits());
                }
                let itself = rouge(variant, true, &a, &a);
                prop_assert!(itself == Rouge::default() || itself.f1 > 0.999_999);
            }
        }
    }
}
