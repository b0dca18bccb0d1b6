//! A classifier of known answers: how pieces are combined, what is not judged, and that nothing is asked in vain.

use std::cell::RefCell;

use expect_test::expect;
use nli::{Classifier, Error, Judge, Labels, Long, Pair, Result, Unjudged};
use text::{PairTokenizer, Truncation};

use crate::fixture;

/// Says that a premise entails when it has the token of "wheat", and contradicts when it has that of "crane"; else neither.
struct Words {
    wheat: Vec<u32>,
    crane: Vec<u32>,
    asked: RefCell<Vec<usize>>,
}

impl Classifier for Words {
    fn classify(&self, pairs: Vec<text::Pair>) -> Result<Vec<Vec<f32>>> {
        self.asked.borrow_mut().push(pairs.len());
        let has = |pair: &text::Pair, word: &[u32]| {
            let premise: Vec<u32> = pair.ids.iter().zip(&pair.types).filter(|(_, kind)| **kind == 0).map(|(id, _)| *id).collect();
            premise.windows(word.len()).any(|ids| ids == word)
        };
        let logit = |yes: bool| if yes { 4.0 } else { -4.0 };
        Ok(pairs.iter().map(|pair| vec![0.0, logit(has(pair, &self.wheat)), logit(has(pair, &self.crane))]).collect())
    }
}

const LABELS: Labels = Labels { neutral: 0, entailment: 1, contradiction: 2 };

fn tokenizer() -> PairTokenizer {
    PairTokenizer::from_folder(&fixture("nli-bert")).unwrap()
}

fn ids(word: &str) -> Vec<u32> {
    let tokenizer = tokenizer();
    let empty = tokenizer.tokens("").unwrap();
    let framed = tokenizer.pair(tokenizer.tokens(word).unwrap(), &empty, 100, Truncation::OnlyFirst).unwrap().ids;
    framed[1..framed.len() - 2].to_vec()
}

fn judge(most: usize) -> Judge<Words> {
    Judge::new(Words { wheat: ids("wheat"), crane: ids("crane"), asked: RefCell::default() }, tokenizer(), LABELS, most)
}

fn premise(words: &[&str]) -> String {
    let sentences: Vec<_> = words.iter().map(|word| format!("The {word} was seen in the harbour of Veld.")).collect();
    sentences.join(" ")
}

#[test]
fn what_one_piece_says_counts() {
    let judge = judge(60);
    let filler = ["port", "ship", "mayor", "quay", "train", "grain"];
    let with = |word: &str| premise(&[&filler[..], &[word], &filler[..]].concat());
    let (wheat, crane, neither) = (with("wheat"), with("crane"), with("ship"));
    let both = premise(&[&["crane"], &filler[..], &["wheat"]].concat());
    let of = |premise: &str| judge.judge(&[Pair { premise, hypothesis: "The port." }], Long::Split).unwrap()[0].clone().unwrap();
    let near = |got: f64, expected: f64| assert!((got - expected).abs() < 0.03, "{got} is not near {expected}");
    for (premise, entailment, contradiction) in [(&wheat, 1.0, 0.0), (&crane, 0.0, 1.0), (&neither, 0.0, 0.0), (&both, 1.0, 1.0)] {
        let verdict = of(premise);
        assert!(verdict.pieces > 3 && verdict.neutral.is_none(), "{verdict:?}");
        near(verdict.entailment, entailment);
        near(verdict.contradiction, contradiction);
        near(verdict.non_contradiction(), 1.0 - contradiction);
    }
    // Cut, the model never sees the word.
    let cut = judge.judge(&[Pair { premise: &wheat, hypothesis: "The port." }], Long::Cut(Truncation::OnlyFirst)).unwrap();
    near(cut[0].as_ref().unwrap().entailment, 0.0);
}

#[test]
fn pairs_that_cannot_be_judged_say_why_and_cost_nothing() {
    let judge = judge(40);
    let long = premise(&["crane"; 8]);
    let pairs = [("a", " \n"), ("\t", "a"), (long.as_str(), long.as_str()), ("The wheat.", "A port.")];
    let pairs = pairs.map(|(premise, hypothesis)| Pair { premise, hypothesis });
    let verdicts = judge.judge(&pairs, Long::Split).unwrap();
    assert_eq!(verdicts[0], Err(Unjudged::EmptyHypothesis));
    assert_eq!(verdicts[1], Err(Unjudged::EmptyPremise));
    let reason = verdicts[2].as_ref().unwrap_err().to_string();
    assert!(reason.ends_with("leaves fewer than 16 of 40 for the premise"), "{reason}");
    assert!(verdicts[3].as_ref().unwrap().entailment > 0.9);
    assert!(judge.judge(&pairs[2..3], Long::Cut(Truncation::LongestFirst)).unwrap()[0].is_ok());
}

#[test]
fn folders_that_are_no_nli_model() {
    let shown = |keys: &str| {
        let folder = tempfile::tempdir().unwrap();
        for file in ["tokenizer.json", "tokenizer_config.json", "model.safetensors"] {
            std::fs::copy(fixture("nli-bert").join(file), folder.path().join(file)).unwrap();
        }
        let text = std::fs::read_to_string(fixture("nli-bert").join("config.json")).unwrap();
        let mut config: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
        config.extend(serde_json::from_str::<serde_json::Map<_, _>>(keys).unwrap());
        std::fs::write(folder.path().join("config.json"), serde_json::to_string(&config).unwrap()).unwrap();
        let error = Judge::load(folder.path(), &model::tensor::Device::Cpu).unwrap_err();
        assert!(matches!(error, Error::Labels { .. } | Error::Model(_)));
        format!("{error}\nhint: {}\n", error.hint().unwrap()).replace(&folder.path().display().to_string(), "DIR")
    };
    let all = [r#"{"id2label": null}"#, r#"{"id2label": {"0": "entailment", "1": "not_entailment"}}"#, r#"{"model_type": "albert"}"#];
    expect![[r#"
        the labels ["LABEL_0", "LABEL_1"] are not those of an NLI model
        hint: say in config.json which logit is which: "id2label": {"0": "contradiction", "1": "neutral", "2": "entailment"} in the model's own order, from its page
        the labels ["entailment", "not_entailment"] are not those of an NLI model
        hint: say in config.json which logit is which: "id2label": {"0": "contradiction", "1": "neutral", "2": "entailment"} in the model's own order, from its page
        DIR/config.json: unsupported encoder architecture albert
        hint: supported: bert, deberta-v2, roberta, xlm-roberta
    "#]].assert_eq(&all.map(shown).concat());
}

/// A model whose last logit is no number where the premise is long.
struct Damaged;

impl Classifier for Damaged {
    fn classify(&self, pairs: Vec<text::Pair>) -> Result<Vec<Vec<f32>>> {
        Ok(pairs.iter().map(|pair| vec![0.0, 1.0, if pair.ids.len() > 8 { f32::NAN } else { 2.0 }]).collect())
    }
}

#[test]
fn logits_that_are_no_numbers_are_no_verdict() {
    let judge = Judge::new(Damaged, tokenizer(), LABELS, 64);
    let pairs = [Pair { premise: "a", hypothesis: "b" }, Pair { premise: "wheat grows in the wide field there", hypothesis: "b" }];
    let verdicts = judge.judge(&pairs, Long::Split).unwrap();
    assert!(verdicts[0].as_ref().is_ok_and(|verdict| verdict.contradiction > verdict.entailment));
    assert_eq!(verdicts[1], Err(Unjudged::NotNumbers));
}
