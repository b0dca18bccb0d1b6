//! Rows in, rows out, and rows that are not what they should be.

use std::cell::RefCell;

use nli::{Long, Observer, Tally, judge_rows};
use serde_json::Value;

use crate::load;

#[derive(Default)]
struct Heard(RefCell<Vec<u64>>);

impl Observer for Heard {
    fn judged(&self, tally: &Tally) {
        self.0.borrow_mut().push(tally.rows);
    }
}

fn run(input: &[u8]) -> (nli::Result<Tally>, Vec<Value>, Vec<u64>) {
    let (mut output, heard) = (Vec::new(), Heard::default());
    let tally = judge_rows(&load("nli-bert"), Long::Split, input, &mut output, &heard);
    let rows = String::from_utf8(output).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (tally, rows, heard.0.into_inner())
}

#[test]
fn each_row_has_its_answer_in_its_place() {
    let row = |i: usize| format!("{{\"id\": {i}, \"premise\": \"The port was shut.\", \"hypothesis\": \"Ship {i} waited.\"}}\n");
    let mut input: String = (0..150).map(row).collect();
    input += "\n{\"premise\": \"No one was hurt.\", \"prediction\": \"\", \"references\": [\"x\"]}\n";
    let (tally, rows, heard) = run(input.as_bytes());
    let tally = tally.unwrap();
    assert_eq!((tally.rows, tally.judged, tally.missing, tally.split, tally.cut), (151, 150, 1, 0, 0));
    assert!(tally.tokens > 1500);
    assert_eq!(heard, [64, 128, 151]);
    for (i, row) in rows[..150].iter().enumerate() {
        assert_eq!(row["id"], i);
        let [entailment, neutral, contradiction] = ["entailment", "neutral", "contradiction"].map(|key| row[key].as_f64().unwrap());
        assert!((entailment + neutral + contradiction - 1.0).abs() < 1e-9);
        assert!((row["non_contradiction"].as_f64().unwrap() + contradiction - 1.0).abs() < 1e-12);
    }
    assert_eq!(rows[150].to_string(), r#"{"missing":"the hypothesis is empty"}"#);
}

#[test]
fn a_bad_row_is_named() {
    let good = "{\"premise\": \"a b\", \"hypothesis\": \"c\"}\n";
    let cases: [(&[u8], &str); 5] = [
        (b"{\"premise\": \"a\"}", "row 3: missing field `hypothesis`"),
        (b"{\"premise\": 3, \"hypothesis\": \"a\"}", "row 3: invalid type: integer"),
        (b"{\"premise\": \"a\", ", "row 3: EOF while parsing"),
        (b"[1]", "row 3: "),
        (b"{\"premise\": \"\xff\"}", "row 3: not UTF-8"),
    ];
    for (bad, expected) in cases {
        let (tally, rows, _) = run(&[good.as_bytes(), b"\n", bad].concat());
        let error = tally.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.hint().unwrap().contains("premise"));
        assert!(rows.is_empty());
    }
    assert_eq!(run(b"").0.unwrap(), Tally::default());
    let huge = [b"{\"premise\": \"".as_slice(), &vec![b'a'; 17 << 20]].concat();
    assert!(run(&huge).0.unwrap_err().to_string().contains("longer than 16777216 bytes"));
}
