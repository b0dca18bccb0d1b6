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
fn largest_difference(rows: &[Value], reference: &str) -> f64 {
    let mut largest = 0.0_f64;
    for row in rows {
        for (setting, stemmed) in [("plain", false), ("stemmed", true)] {
            for (kind, variant) in KINDS {
                let Rouge { precision, recall, f1 } =
                    rouge(variant, stemmed, row[reference].as_str().unwrap(), row["prediction"].as_str().unwrap());
                for (i, ours) in [precision, recall, f1].into_iter().enumerate() {
                    largest = largest.max((row[setting][kind][i].as_f64().unwrap() - ours).abs());
                }
            }
        }
    }
    largest
}

#[test]
fn rouge_equals_rouge_score_on_the_fixtures() {
    let rows = rows(include_str!("../fixtures/rouge.jsonl"));
    assert!(rows.len() >= 18);
    let difference = largest_difference(&rows, "reference");
    assert!(difference < 1e-12, "{difference}");
}

#[test]
fn rouge_equals_rouge_score_on_xsum() {
    let Some(folder) = crate::shared_data() else { return };
    let rows = rows(&std::fs::read_to_string(folder.join("xsum/rouge_reference_200.jsonl")).unwrap());
    assert_eq!(rows.len(), 200);
    // The reference is rounded to six decimals.
    let difference = largest_difference(&rows, "target");
    assert!(difference <= 0.5e-6 + 1e-9, "{difference}");
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
    for row in rows(include_str!("../fixtures/squad.jsonl")) {
        let references: Vec<&str> = row["references"].as_array().unwrap().iter().map(|r| r.as_str().unwrap()).collect();
        for name in ["exact_match", "f1"] {
            let ours = mark(name, row["prediction"].as_str().unwrap(), &references).unwrap();
            assert!((ours - row[name].as_f64().unwrap()).abs() < 1e-12, "{name} of {row}: {ours}");
        }
    }
}

#[test]
fn every_gold_answer_of_squad_is_right() {
    let Some(folder) = crate::shared_data() else { return };
    let task = score::tasks::find("rag").unwrap();
    for example in score::dataset::open(&folder.join("squad/dev-v1.1.json"), task, score::Limits::first(usize::MAX)).unwrap() {
        let example = example.unwrap();
        for answer in example.references() {
            assert!((mark("exact_match", answer, example.references()).unwrap() - 1.0).abs() < 1e-12, "{}", example.id);
        }
    }
}
