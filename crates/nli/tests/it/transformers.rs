//! Texts to probabilities, as transformers has them: tokens, cutting, logits and the order of the labels together.

use nli::{Long, Pair};
use serde::Deserialize;
use text::Truncation;

use crate::{fixture, load};

#[derive(Deserialize)]
struct Expected {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    premise: String,
    hypothesis: String,
    cut: Option<String>,
    ids: Vec<u32>,
    probabilities: Vec<f64>,
}

fn cases(name: &str) -> Vec<Case> {
    let text = std::fs::read_to_string(fixture(name).join("expected.json")).unwrap();
    let expected: Expected = serde_json::from_str(&text).unwrap();
    expected.cases
}

#[test]
fn verdicts_are_those_of_transformers() {
    // Entailment, neutral and contradiction stand where each checkpoint's `id2label` says.
    for (name, order) in [("nli-bert", [0, 1, 2]), ("nli-roberta-f16", [1, 2, 0]), ("nli-deberta-v3", [1, 2, 0])] {
        let judge = load(name);
        for case in cases(name) {
            let long = match case.cut.as_deref() {
                Some("longest_first") => Long::Cut(Truncation::LongestFirst),
                Some("only_first") => Long::Cut(Truncation::OnlyFirst),
                _ => Long::Split,
            };
            let pair = Pair { premise: &case.premise, hypothesis: &case.hypothesis };
            let verdict = judge.judge(&[pair], long).unwrap()[0].clone().unwrap();
            let got = [verdict.entailment, verdict.neutral.unwrap(), verdict.contradiction];
            for (got, at) in got.into_iter().zip(order) {
                assert!((got - case.probabilities[at]).abs() < 3e-6, "{name}: {got} against {:?}", case.probabilities);
            }
            assert_eq!((verdict.pieces, verdict.tokens, verdict.cut > 0), (1, case.ids.len(), case.cut.is_some()));
        }
    }
}

#[test]
fn a_split_premise_is_the_largest_of_its_pieces() {
    for name in ["nli-bert", "nli-roberta-f16", "nli-deberta-v3"] {
        let judge = load(name);
        let case = cases(name).into_iter().find(|case| case.cut.is_some()).unwrap();
        let whole = Pair { premise: &case.premise, hypothesis: &case.hypothesis };
        let verdict = judge.judge(&[whole], Long::Split).unwrap()[0].clone().unwrap();
        assert!(verdict.pieces > 2 && verdict.neutral.is_none() && verdict.cut == 0, "{name}: {verdict:?}");
        let among_others = judge.judge(&[whole, Pair { premise: "A ship.", hypothesis: "A train." }, whole], Long::Split).unwrap();
        let again = among_others[2].clone().unwrap();
        assert_eq!((again.pieces, again.tokens), (verdict.pieces, verdict.tokens));
        assert!((again.entailment - verdict.entailment).abs() + (again.contradiction - verdict.contradiction).abs() < 1e-5);
        let once = judge.judge(&[whole], Long::Cut(Truncation::OnlyFirst)).unwrap()[0].clone().unwrap();
        assert!(once.cut > 100 && once.pieces == 1);
    }
}
