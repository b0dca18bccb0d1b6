//! Exports: the JSON against its published schema, Parquet read back and by other tools, LaTeX.

use std::{fs, path::Path, process::Command};

use record::{Column, RunFolder, read_table};
use report::{Format, render};
use serde_json::Value;

use crate::{
    run_folder::{manifest, served},
    sample::document,
};

/// The published schema of the JSON report.
fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/report-v1.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A run of which one cell was served once, and nothing else has run.
fn run() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let manifest = manifest();
    let folder = RunFolder::create(dir.path(), &manifest).unwrap();
    folder.put(&served(&folder, &manifest.cells[0].serve[0])).unwrap();
    dir
}

fn problems(json: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    validator.iter_errors(json).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn the_json_report_is_what_its_schema_says() {
    let dir = run();
    for document in [document(), report::read(dir.path()).unwrap()] {
        let json: Value = serde_json::from_str(&render(&document, Format::Json).unwrap()).unwrap();
        assert_eq!(problems(&json), Vec::<String>::new());
    }
}

#[test]
fn the_schema_refuses_what_is_no_report() {
    let good: Value = serde_json::from_str(&render(&document(), Format::Json).unwrap()).unwrap();
    for (pointer, wrong) in [
        ("/schema", Value::from("edge-eval/report/2")),
        ("/cells/0/metrics/score/value", Value::from("much")),
        ("/cells/0/metrics/score/method", Value::from("guessed")),
        ("/cells/0/metrics/score/ci95", serde_json::json!([0.1])),
        ("/machine/cores", Value::from(-1)),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = wrong;
        assert!(!problems(&bad).is_empty(), "{pointer}");
    }
    let mut unknown = good.clone();
    unknown["more"] = Value::Null;
    assert!(!problems(&unknown).is_empty());
}

#[test]
fn parquet_comes_back_column_by_column() {
    let (dir, out) = (run(), tempfile::tempdir().unwrap());
    let document = report::read(dir.path()).unwrap();
    let [figures, requests] = report::write_parquet(dir.path(), out.path(), &document).unwrap();
    let text = || Column::Text(Vec::new());
    let words = || Column::OptionalText(Vec::new());
    let (real, int, whole) = (|| Column::OptionalReal(Vec::new()), || Column::OptionalInt(Vec::new()), || Column::Int(Vec::new()));
    let shape = vec![
        ("run", text()),
        ("family", text()),
        ("tier", text()),
        ("task", text()),
        ("strategy", text()),
        ("engine", text()),
        ("engine_version", words()),
        ("concurrency", int()),
        ("metric", text()),
        ("value", real()),
        ("ci95_low", real()),
        ("ci95_high", real()),
        ("n", int()),
        ("unit", words()),
        ("method", words()),
        ("source", words()),
        ("missing", words()),
        ("notes", words()),
    ];
    let columns = read_table(&figures, &shape).unwrap();
    let (Column::Text(metrics), Column::OptionalReal(values), Column::OptionalText(missing)) = (&columns[8], &columns[9], &columns[16])
    else {
        panic!("other columns")
    };
    assert_eq!(metrics.len(), 5 * metric::METRICS.len());
    let throughput = metrics.iter().position(|name| name == "throughput_tok_s").unwrap();
    assert_eq!(values[throughput], Some(100.0));
    assert!(values.iter().zip(missing).all(|(value, why)| value.is_some() != why.is_some()), "missing is never a number");
    let shape = vec![
        ("family", text()),
        ("tier", text()),
        ("task", text()),
        ("strategy", text()),
        ("engine", text()),
        ("run", whole()),
        ("concurrency", whole()),
        ("index", whole()),
        ("due_ns", whole()),
        ("sent_ns", whole()),
        ("first_content_ns", int()),
        ("end_ns", whole()),
        ("ttft_ms", real()),
        ("e2e_ms", real()),
        ("prompt_tokens", int()),
        ("completion_tokens", int()),
        ("status", int()),
        ("finish_reason", words()),
        ("failure", words()),
        ("content_times_ns", Column::Ints(Vec::new())),
    ];
    let columns = read_table(&requests, &shape).unwrap();
    let (Column::OptionalReal(ttft), Column::Ints(times)) = (&columns[12], &columns[19]) else { panic!("other columns") };
    assert_eq!((ttft.len(), ttft[0], times[0].len()), (10, Some(50.0), 20));
}

/// The examples of the documentation, run by a Python that has DuckDB and pandas: `EDGE_EVAL_PYTHON`, which the build is told.
#[test]
fn duckdb_and_pandas_read_the_documented_examples() {
    let python = option_env!("EDGE_EVAL_PYTHON").unwrap_or("python3");
    let has = Command::new(python).args(["-c", "import duckdb, pandas, pyarrow"]).output();
    if !has.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {python} has no duckdb, pandas and pyarrow (EDGE_EVAL_PYTHON names one that has them, when the test is built)");
        return;
    }
    let (dir, out) = (run(), tempfile::tempdir().unwrap());
    report::write_parquet(dir.path(), out.path(), &report::read(dir.path()).unwrap()).unwrap();
    let docs = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/exports.md")).unwrap();
    let examples: Vec<&str> = docs.split("```python\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(examples.len() >= 2);
    for example in examples {
        let output = Command::new(python).arg("-c").arg(example).current_dir(out.path()).output().unwrap();
        assert!(output.status.success(), "{example}\n{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("base-fp16"), "{example}\n{said}");
    }
}

#[test]
fn latex_has_rules_and_no_foreign_command() {
    let mut document = document();
    document.cells[0].task = "rag\\input{x} & 5%".into();
    document.run = "a\n\\end{document}".into();
    let text = render(&document, Format::Latex).unwrap();
    for rule in ["\\toprule", "\\midrule", "\\bottomrule"] {
        assert!(text.contains(rule), "{rule}");
    }
    assert!(!text.contains("\\input{") && !text.contains("\n\\end{document}"), "{text}");
    let columns = text.lines().filter(|line| line.ends_with("\\\\") && !line.starts_with('('));
    let table = |line: &str| line.replace("\\&", "").matches('&').count();
    assert!(columns.map(table).all(|ands| ands >= 2));
    assert_eq!(text.matches("\\begin{tabular}").count(), text.matches("\\end{tabular}").count());
}
