//! The same rows in every published form, and forms that are none.

use std::path::{Path, PathBuf};

use score::{
    Error, Example, Fields, Limits, Source,
    dataset::{self, Wanted},
    tasks,
};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/data").join(name)
}

fn read(task: &str, name: &str) -> Vec<Example> {
    dataset::read(&fixture(name), tasks::find(task).unwrap(), Limits::first(100)).unwrap()
}

#[test]
fn squad() {
    let rows = read("rag", "squad.parquet");
    assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["q0", "q1", "q2"]);
    assert_eq!(rows[0].references(), ["tall oaks", "in tall oaks"]);
    assert_eq!(
        rows[2].item("", None).unwrap().messages[0].content,
        "Context:\nZoë wrote 12 letters – in Łódź.\n\nQuestion: How many letters?\nAnswer:"
    );
    assert_eq!(rows, read("rag", "squad.jsonl"));
    assert_eq!(rows, read("rag", "squad_official.json"));
}

#[test]
fn xsum() {
    let rows = read("summarization", "xsum.parquet");
    assert_eq!(rows.len(), 3);
    assert_eq!(
        rows[0].item("", None).unwrap().messages[0].content,
        "Article:\nA mayor said \"no\",\nand left.\nNobody knew why.\n\nSummary:"
    );
    assert_eq!(rows, read("summarization", "xsum.jsonl"));
    assert_eq!(rows, read("summarization", "xsum.csv"));
}

#[test]
fn ultrachat() {
    let rows = read("chat", "ultrachat.parquet");
    assert_eq!(rows.len(), 3);
    // The last message of the third is the user's, so its reference is the reply before.
    assert_eq!(rows[2].references(), ["You are welcome."]);
    assert_eq!(rows, read("chat", "ultrachat.jsonl"));
    assert_eq!(rows, read("chat", "ultrachat_raw.jsonl"));
}

#[test]
fn a_task_of_ones_own_from_any_columns() {
    let task = tasks::find("jsonl").unwrap();
    let columns = [("prompt", "question"), ("document", "context"), ("references", "answers.text")];
    let fields = || Fields::new(task, columns.map(|(field, column)| (field.to_owned(), column.to_owned()))).unwrap();
    let read =
        |name: &str| Source { fields: fields(), ..Source::at(&fixture(name), task, Limits::first(9)).unwrap() }.read().unwrap().examples;
    let rows = read("squad.parquet");
    assert_eq!(rows, read("squad.jsonl"));
    assert_eq!(rows[2].references(), ["12", "12 letters"]);
    assert_eq!(rows[2].item("", None).unwrap().messages[0].content, "Zoë wrote 12 letters – in Łódź.\n\nHow many letters?");
}

#[test]
fn the_shards_of_a_folder_in_name_order() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let put = |from: &str, to: &str| std::fs::copy(fixture(from), folder.path().join("data").join(to)).map(|_| ()).unwrap();
    put("xsum.jsonl", "train-00001-of-00002.jsonl");
    put("xsum.parquet", "train-00000-of-00002.parquet");
    let task = tasks::find("summarization").unwrap();
    let read = Source::at(folder.path(), task, Limits::first(100)).unwrap().read().unwrap();
    // The second shard repeats the first.
    assert_eq!((read.examples.len(), read.repeated), (3, 3));
    put("xsum.csv", "test-00000-of-00001.csv");
    assert!(matches!(Source::at(folder.path(), task, Limits::first(1)).unwrap_err(), Error::Several { what: "splits", .. }));
    let wanted = Wanted { split: Some("test".into()), config: None };
    assert!(dataset::files(folder.path(), &wanted).unwrap()[0].ends_with("test-00000-of-00001.csv"));
}

#[test]
fn what_is_no_data_set_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.jsonl");
    let said = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let error = dataset::read(&path, tasks::find("rag").unwrap(), Limits::first(5)).unwrap_err();
        (error.to_string().replace(&path.display().to_string(), "rows.jsonl"), error.hint().unwrap())
    };
    let (what, mend) = said(b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n");
    assert_eq!(what, "rows.jsonl is a Git LFS pointer, not the file itself");
    assert!(mend.contains("git lfs pull"));
    assert_eq!(said(b"\x1f\x8b\x08rest").0, "rows.jsonl is packed with gzip");
    assert_eq!(said(b"PAR1PAR1").0, "rows.jsonl, row 0: not a sound Parquet file: its footer is longer than the file");
    let mut cut = std::fs::read(fixture("squad.parquet")).unwrap();
    cut.truncate(cut.len() / 2);
    assert!(said(&cut).1.contains("cut off"));
}

#[test]
fn a_row_of_another_task_is_named_by_its_row() {
    let error = dataset::read(&fixture("xsum.parquet"), tasks::find("rag").unwrap(), Limits::first(5)).unwrap_err();
    assert!(error.to_string().ends_with("xsum.parquet, row 1: `answers` should be a text or a list of texts, but is missing"), "{error}");
}
