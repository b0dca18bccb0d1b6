//! Exact match and token F1 of extracted answers, equal to SQuAD's official `evaluate-v1.1.py`.
//!
//! Source: Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine Comprehension of Text", EMNLP 2016, and its script. Both texts are
//! put in lower case, ASCII punctuation is taken away, then the articles, then white space is made single; the best of several
//! references counts. Version 2.0's unanswerable questions are not scored here.

mod combining;

use std::collections::HashMap;

use self::combining::COMBINING;
use super::{Compute, Mark};

/// Whether both are the same after normalisation.
pub fn exact_match(prediction: &str, reference: &str) -> bool {
    normalise(prediction) == normalise(reference)
}

/// Harmonic mean of precision and recall over the bags of words; 0 when nothing is shared.
pub fn f1(prediction: &str, reference: &str) -> f64 {
    let (prediction, reference) = (normalise(prediction), normalise(reference));
    let mut left: HashMap<&str, usize> = HashMap::new();
    for word in reference.split(' ').filter(|w| !w.is_empty()) {
        *left.entry(word).or_default() += 1;
    }
    let (mut same, mut predicted) = (0_usize, 0_usize);
    let wanted: usize = left.values().sum();
    for word in prediction.split(' ').filter(|w| !w.is_empty()) {
        predicted += 1;
        if let Some(count) = left.get_mut(word).filter(|count| **count > 0) {
            *count -= 1;
            same += 1;
        }
    }
    if same == 0 {
        return 0.0;
    }
    let (precision, recall) = (same as f64 / predicted as f64, same as f64 / wanted as f64);
    2.0 * precision * recall / (precision + recall)
}

/// The script's `normalize_answer`.
pub fn normalise(text: &str) -> String {
    let plain: String = text.to_lowercase().chars().filter(|c| !c.is_ascii_punctuation()).collect();
    let mut without_articles = String::with_capacity(plain.len());
    let mut rest = plain.as_str();
    // `\b(a|an|the)\b`: a maximal run of word characters that is an article.
    while let Some(first) = rest.chars().next() {
        let word = is_word(first);
        let end = rest.find(|c| is_word(c) != word).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        without_articles.push_str(if matches!(run, "a" | "an" | "the") { " " } else { run });
        rest = tail;
    }
    without_articles.split(is_space).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Python's `\w`, the underscore apart (it is punctuation and gone by now): letters and numbers, but not the marks and enclosed
/// letters that Unicode calls alphabetic as well.
fn is_word(c: char) -> bool {
    // Within a range the number of ends before it is odd, or it is an end itself.
    c.is_alphanumeric() && (c.is_ascii() || COMBINING.binary_search(&u32::from(c)).is_err_and(|at| at % 2 == 0))
}

/// Python's `str.isspace`: Unicode white space and the four ASCII separators.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

const SOURCE: &str = "Rajpurkar et al. 2016; SQuAD evaluate-v1.1.py";

pub(super) static EXACT_MATCH: Mark = Mark {
    name: "exact_match",
    definition: "1 when the answer equals a reference after normalisation, else 0",
    source: SOURCE,
    compute: Compute::If(|prediction, references| references.iter().any(|reference| exact_match(prediction, reference))),
};

pub(super) static F1: Mark = Mark {
    name: "f1",
    definition: "harmonic mean of precision and recall over the words shared with the best reference",
    source: SOURCE,
    compute: Compute::By(|prediction, references| references.iter().map(|reference| f1(prediction, reference)).fold(0.0, f64::max)),
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn normalisation_is_the_scripts() {
        for (text, want) in [
            ("The  Eiffel Tower!", "eiffel tower"),
            ("a an the", ""),
            ("theatre, an apple", "theatre apple"),
            ("the–a answer", "– answer"),
            ("rock'n'roll U.S.", "rocknroll us"),
            ("A\u{1f}B\u{a0}c", "b c"),
            ("$1,000.50", "100050"),
        ] {
            assert_eq!(normalise(text), want, "{text:?}");
        }
    }

    #[test]
    fn overlap_by_hand() {
        // Shared: "denver", "broncos" of two predicted and three wanted: 2 · 1 · 2/3 / (5/3) = 0.8.
        assert!((f1("the Denver Broncos", "Denver Broncos team") - 0.8).abs() < 1e-15);
        assert_eq!(f1("", ""), 0.0);
        assert!(exact_match("The Broncos.", "broncos") && !exact_match("Broncos", "Denver Broncos"));
        // A word counts as often as both have it.
        assert!((f1("no no no", "no") - 0.5).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing_more(text in "\\PC{0,40}") {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once);
        }

        #[test]
        fn f1_is_symmetric_and_within_0_and_1(a in "([a-e]{1,3} ){0,8}", b in "([a-e]{1,3} ){0,8}") {
            prop_assert!((f1(&a, &b) - f1(&b, &a)).abs() < 1e-12);
            prop_assert!((0.0..=1.0).contains(&f1(&a, &b)));
        }
    }
}
