//! ROUGE of two files of one text a line, for comparing with another implementation: `rouge scores REFERENCES PREDICTIONS` prints
//! a JSON object a pair with every digit, `rouge time REFERENCES PREDICTIONS` the seconds that ROUGE-L of all pairs takes in one
//! thread, `rouge stems WORDS` the stem of each word. `compare.py` beside the benches drives it. It is not the way to score answers.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for developers that may fail loudly")]

use std::{hint::black_box, io::Write};

use criterion::measurement::{Measurement, WallTime};
use score::marks::rouge::{Variant, porter_stem, rouge};
use serde_json::json;

const KINDS: [(&str, Variant); 4] =
    [("rouge1", Variant::N(1)), ("rouge2", Variant::N(2)), ("rougeL", Variant::L), ("rougeLsum", Variant::Lsum)];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["scores", references, predictions] => scores(&read(references), &read(predictions)),
        ["time", references, predictions] => time(&read(references), &read(predictions)),
        ["stems", words] => stems(&read(words)),
        _ => println!("rouge scores|time REFERENCES PREDICTIONS, or rouge stems WORDS"),
    }
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn scores(references: &str, predictions: &str) {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for (reference, prediction) in references.lines().zip(predictions.lines()) {
        let mut row = json!({});
        for (setting, stemmed) in [("plain", false), ("stemmed", true)] {
            for (kind, variant) in KINDS {
                let score = rouge(variant, stemmed, reference, prediction);
                row[setting][kind] = json!([score.precision, score.recall, score.f1]);
            }
        }
        writeln!(out, "{row}").unwrap();
    }
}

/// As the other side is timed: texts in memory, one pass, the sum used. The best of seven passes and the first.
fn time(references: &str, predictions: &str) {
    let pairs: Vec<(&str, &str)> = references.lines().zip(predictions.lines()).collect();
    for stemmed in [false, true] {
        let passes: Vec<f64> = (0..7)
            .map(|_| {
                let start = WallTime.start();
                let sum: f64 = pairs.iter().map(|(reference, prediction)| rouge(Variant::L, stemmed, reference, prediction).f1).sum();
                black_box(sum);
                WallTime.end(start).as_secs_f64()
            })
            .collect();
        let best = passes.iter().copied().fold(f64::INFINITY, f64::min);
        println!("{}", json!({"stemmed": stemmed, "pairs": pairs.len(), "first_s": passes[0], "best_s": best}));
    }
}

fn stems(words: &str) {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for word in words.lines() {
        writeln!(out, "{word} {}", porter_stem(word)).unwrap();
    }
}
