//! The quickstart's assets as committed: sizes, schemas, and parts that do not overlap.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::Value;

use crate::repository::{read, root};

const MIB: u64 = 1 << 20;

fn folder(name: &str) -> PathBuf {
    root().join("crates/edge-eval/quickstart").join(name)
}

fn bytes(name: &str) -> u64 {
    fs::read_dir(folder(name)).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

fn rows(task: &str, part: &str) -> Vec<Value> {
    let text = read(&folder("data").join(format!("{task}.{part}.jsonl")));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// All values of these keys.
fn values(rows: &[Value], keys: &[&str]) -> BTreeSet<String> {
    rows.iter().flat_map(|row| keys.iter().map(|key| row[*key].as_str().unwrap().to_owned())).collect()
}

fn keys(row: &Value) -> Vec<&str> {
    row.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_assets_are_small() {
    assert!(bytes("data") < 12 * MIB / 10, "{} bytes of data", bytes("data"));
    assert!(bytes("model") < 8 * MIB, "{} bytes of model", bytes("model"));
}

#[test]
fn rows_have_the_published_schemas() {
    let schemas = [
        ("summarization", vec!["document", "summary", "id"]),
        ("rag", vec!["id", "title", "context", "question", "answers"]),
        ("chat", vec!["prompt", "prompt_id", "messages"]),
    ];
    for (task, schema) in schemas {
        for (part, count) in [("train", 600), ("heldout", 150)] {
            let rows = rows(task, part);
            assert_eq!(rows.len(), count, "{task} {part}");
            assert!(rows.iter().all(|row| keys(row) == schema), "{task} {part}");
        }
    }
}

#[test]
fn train_and_held_out_rows_share_no_id_and_no_text() {
    for (task, keys) in
        [("summarization", ["id", "document", "summary"].as_slice()), ("rag", &["id", "context"]), ("chat", &["prompt_id", "prompt"])]
    {
        let (train, held) = (values(&rows(task, "train"), keys), values(&rows(task, "heldout"), keys));
        let both: Vec<_> = train.intersection(&held).collect();
        assert!(both.is_empty(), "{task}: {both:?}");
    }
}

#[test]
fn an_answer_stands_where_its_row_says() {
    for row in rows("rag", "train").iter().chain(&rows("rag", "heldout")) {
        let start = usize::try_from(row["answers"]["answer_start"][0].as_u64().unwrap()).unwrap();
        let tail: String = row["context"].as_str().unwrap().chars().skip(start).collect();
        assert!(tail.starts_with(row["answers"]["text"][0].as_str().unwrap()), "{row}");
    }
}
