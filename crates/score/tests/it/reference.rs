//! Marks equal to their reference implementations: `rouge_score` 0.1.2 and SQuAD's official script.

use score::{
    mark,
    marks::rouge::{Rouge, Variant, rouge},
};
use serde_json::Value;

const KINDS: [(&str, Variant); 4] =
    [("rouge1", Variant::N(1)), ("rouge2", Variant::N(2)), ("rougeL", Variant::L), ("rougeLsum", Variant::Lsum)];

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Largest difference of precision, recall and F over all rows, kinds and both stemmer settings.
fn largest_difference(rows: &[Value], reference: &str, rounded: impl Fn(f64) -> f64) -> f64 {
    let mut largest = 0.0_f64;
    for row in rows {
        for (setting, stemmed) in [("plain", false), ("stemmed", true)] {
            for (kind, variant) in KINDS {
                let Rouge { precision, recall, f1 } =
                    rouge(variant, stemmed, row[reference].as_str().unwrap(), row["prediction"].as_str().unwrap());
                for (i, ours) in [precision, recall, f1].into_iter().enumerate() {
                    largest = largest.max((row[setting][kind][i].as_f64().unwrap() - rounded(ours)).abs());
                }
            }
        }
    }
    largest
}

#[test]
fn rouge_equals_rouge_score_on_the_fixtures_to_the_last_bit() {
    let rows = rows(include_str!("../fixtures/rouge.jsonl"));
    assert!(rows.len() >= 18);
    assert_eq!(largest_difference(&rows, "reference", |ours| ours), 0.0);
}

#[test]
fn rouge_equals_rouge_score_on_xsum_to_the_last_digit() {
    let Some(folder) = crate::shared_data() else { return };
    let rows = rows(&std::fs::read_to_string(folder.join("xsum/rouge_reference_200.jsonl")).unwrap());
    assert_eq!(rows.len(), 200);
    // The reference is rounded to six decimals.
    assert_eq!(largest_difference(&rows, "target", |ours| format!("{ours:.6}").parse().unwrap()), 0.0);
}

#[test]
fn corpus_means_of_xsum() {
    let Some(folder) = crate::shared_data() else { return };
    let read = |name: &str| std::fs::read_to_string(folder.join("xsum").join(name)).unwrap();
    let (gold, convs2s, lead) = (read("gold-test-sentences.txt"), read("convs2s-test-output.txt"), read("lead-test-output.txt"));
    // As published beside the data: rouge1 / rouge2 / rougeL in percent.
    for (system, stemmed, want) in
        [(&convs2s, true, [30.94, 11.02, 25.05]), (&convs2s, false, [30.00, 10.80, 24.49]), (&lead, true, [16.01, 1.58, 11.79])]
    {
        for ((_, variant), want) in KINDS.into_iter().zip(want) {
            let marks: Vec<f64> = gold.lines().zip(system.lines()).map(|(gold, line)| rouge(variant, stemmed, gold, line).f1).collect();
            assert_eq!(marks.len(), 11_334);
            let mean = 100.0 * marks.iter().sum::<f64>() / marks.len() as f64;
            assert!((mean - want).abs() <= 0.005_001, "{variant:?} stemmed {stemmed}: {mean}, not {want}");
        }
    }
}

#[test]
fn squad_equals_the_official_script_on_the_fixtures() {
    let rows = rows(include_str!("../fixtures/squad.jsonl"));
    assert!(rows.len() >= 29);
    for row in rows {
        let references: Vec<&str> = row["references"].as_array().unwrap().iter().map(|r| r.as_str().unwrap()).collect();
        for name in ["exact_match", "f1"] {
            let ours = mark(name, row["prediction"].as_str().unwrap(), &references).unwrap();
            assert_eq!(ours, row[name].as_f64().unwrap(), "{name} of {row}");
        }
    }
}

/// The rules of `fixtures/make.py`, by name: context, question, answers and the question's number to a prediction.
type Rule = fn(&str, &str, &[&str], usize) -> String;
const RULES: [(&str, Rule); 5] = [
    ("first_words", |context, _, _, _| context.split(' ').take(5).collect::<Vec<_>>().join(" ")),
    ("first_sentence", |context, _, _, _| context.split(". ").next().unwrap().to_owned()),
    ("dressed_answer", |_, _, answers, number| format!("The {}!", answers[number % answers.len()].to_uppercase())),
    ("longer_answer", |_, question, answers, _| format!("a {} of {}", answers[answers.len() - 1], question.rsplit(' ').next().unwrap())),
    ("turned_answer", |_, _, answers, _| answers[0].split(' ').rev().collect::<Vec<_>>().join(" ")),
];

#[test]
fn squads_totals_are_the_official_scripts() {
    let Some(folder) = crate::shared_data() else { return };
    let dev: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("squad/dev-v1.1.json")).unwrap()).unwrap();
    let want: Value = serde_json::from_str(include_str!("../fixtures/squad_dev.json")).unwrap();
    let list = |value: &Value, key: &str| value[key].as_array().unwrap().clone();
    let (mut totals, mut number) = ([[0.0; 2]; 5], 0);
    for paragraph in list(&dev, "data").iter().flat_map(|article| list(article, "paragraphs")) {
        for question in list(&paragraph, "qas") {
            let answers = list(&question, "answers");
            let answers: Vec<&str> = answers.iter().map(|answer| answer["text"].as_str().unwrap()).collect();
            for (total, (_, rule)) in totals.iter_mut().zip(RULES) {
                let prediction = rule(paragraph["context"].as_str().unwrap(), question["question"].as_str().unwrap(), &answers, number);
                total[0] += mark("exact_match", &prediction, &answers).unwrap();
                total[1] += mark("f1", &prediction, &answers).unwrap();
            }
            number += 1;
        }
    }
    assert_eq!(number, want["questions"].as_u64().unwrap() as usize);
    for ([exact, f1], (name, _)) in totals.into_iter().zip(RULES) {
        assert_eq!((exact, f1), (want[name]["exact_match"].as_f64().unwrap(), want[name]["f1"].as_f64().unwrap()), "{name}");
    }
}

#[test]
fn every_gold_answer_of_squad_is_right() {
    let Some(folder) = crate::shared_data() else { return };
    let task = score::tasks::find("rag").unwrap();
    for example in score::Source::at(&folder.join("squad/dev-v1.1.json"), task, score::Limits::first(usize::MAX)).unwrap().examples() {
        let example = example.unwrap();
        for answer in example.references() {
            assert!((mark("exact_match", answer, example.references()).unwrap() - 1.0).abs() < 1e-12, "{}", example.id);
        }
    }
}
