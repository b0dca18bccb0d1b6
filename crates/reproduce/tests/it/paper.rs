//! Every printed number that follows from the logs does, and the others are listed; and what the audit finds follows from the logs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use reproduce::{Document, FILES, Finding, Format, Logs, of_logs, render};

fn document() -> Document {
    of_logs(&Logs::shipped().unwrap(), "shipped").unwrap()
}

/// The authors' own files, where they are at hand.
fn authors() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/edge_eval_results");
    if !folder.is_dir() {
        println!("skipped: ../shared/data is absent");
        return None;
    }
    Some(folder)
}

fn agreeing(document: &Document, table: &str) -> (usize, usize) {
    let cells = &document.tables[table];
    (cells.iter().filter(|cell| cell.agrees == Some(true)).count(), cells.len())
}

/// The columns of a table, each with its aggregator and how many cells that gives.
fn made<'a>(document: &'a Document, table: &str) -> Vec<(&'a str, &'a str, usize)> {
    let best = |column: &'a reproduce::Column| {
        let way = column.ways.iter().find(|way| way.name == column.aggregator).unwrap();
        (column.column.as_str(), column.aggregator.as_str(), way.agrees)
    };
    document.columns[table].iter().map(best).collect()
}

fn finding<'a>(document: &'a Document, name: &str) -> &'a Finding {
    document.audit.iter().find(|finding| finding.name == name).unwrap()
}

fn number(finding: &Finding, name: &str) -> f64 {
    finding.numbers.iter().find(|number| number.name == name).unwrap_or_else(|| panic!("{name}: {:?}", finding.numbers)).value
}

fn near(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-3 * expected.abs(), "{value} instead of {expected}");
}

#[test]
fn every_printed_number_of_tables_1_3_4_and_5_follows() {
    let document = document();
    assert_eq!(agreeing(&document, "1"), (30, 30));
    assert_eq!(agreeing(&document, "3"), (21, 21));
    assert_eq!(agreeing(&document, "4"), (36, 36));
    assert_eq!(agreeing(&document, "5"), (90, 90));
}

#[test]
fn table_1_is_of_means_and_of_largest_values() {
    let document = document();
    let rows = "over the six INT4 rows";
    let expected = [
        ("N_break", format!("mean {rows}"), 6),
        ("IPW", format!("largest {rows}"), 6),
        ("rho_sys", format!("mean {rows}"), 6),
        ("Q_ret", "mean over the tasks of LoRA-INT4 / LoRA-FP16".to_owned(), 6),
        ("C_tax", format!("mean {rows}"), 6),
    ];
    let made = made(&document, "1");
    assert_eq!(made, expected.each_ref().map(|(column, way, count)| (*column, way.as_str(), *count)));
    let cell = &document.tables["1"][0];
    assert_eq!((cell.row.as_str(), cell.column.as_str(), cell.printed.as_deref()), ("LLaMA 1B", "N_break", Some("14")));
    near(cell.recomputed.unwrap(), 13.8434);
}

#[test]
fn table_2_follows_in_half_and_the_rest_is_listed() {
    let document = document();
    assert_eq!(agreeing(&document, "2"), (16, 48));
    let follows = |column: &str| -> Vec<String> {
        let cells = document.tables["2"].iter().filter(|cell| cell.column == column && cell.agrees == Some(true));
        cells.map(|cell| cell.row.clone()).collect()
    };
    let models = ["LLaMA 1B", "LLaMA 3B", "Qwen 7B"];
    let expected: Vec<String> = models.iter().flat_map(|model| [format!("{model} LoRA-FP16"), format!("{model} QLoRA-INT4")]).collect();
    assert_eq!(follows("Energy kWh"), expected);
    assert_eq!(made(&document, "2")[0].1, "mean over the tasks of adaptation and merge");
    assert!(document.unexplained.iter().all(|cell| cell.table == 2));
    assert_eq!(document.unexplained.len(), 32);
    let cell = document.unexplained.iter().find(|cell| cell.row == "Qwen 1B QLoRA-INT4" && cell.column == "Ratio").unwrap();
    assert_eq!(cell.printed, "2.3");
    near(cell.recomputed.unwrap(), 7.155);
}

#[test]
fn two_columns_were_rounded_twice() {
    let document = document();
    assert_eq!(made(&document, "3")[2], ("Energy/req", "mean over the rows of a precision, rounded to 3 decimals first", 6));
    assert_eq!(made(&document, "5")[1], ("FP16 std", "standard deviation of the passes, primary score, rounded to 3 decimals first", 18));
}

#[test]
fn shipped_logs_and_the_authors_files_are_equal() {
    let Some(folder) = authors() else { return };
    let read = Logs::read(&folder).unwrap();
    assert_eq!(read, Logs::shipped().unwrap());
    assert_eq!(of_logs(&read, "shipped").unwrap(), document());
}

#[test]
fn findings_are_numbers() {
    let document = document();
    let concurrency = finding(&document, "concurrency");
    assert_eq!(concurrency.holds, Some(false));
    near(number(concurrency, "median at once"), 30.499);
    let share = finding(&document, "quantisation-share");
    assert_eq!((share.holds, number(share, "rows below 0.2%"), number(share, "rows")), (Some(false), 6.0, 36.0));
    near(number(share, "largest share"), 4.6593);
    let power = finding(&document, "gpu-power");
    near(number(power, "rows above one T4's limit"), 69.0);
    near(number(power, "the same for each of two GPUs"), 35.54);
    near(number(finding(&document, "forced-lengths"), "Summ tokens an answer"), 200.0);
    let qlora = finding(&document, "qlora-comparison");
    assert_eq!((qlora.holds, number(qlora, "controlled pairs"), number(qlora, "confounded pairs")), (None, 0.0, 18.0));
    near(number(qlora, "pairs confounded by dtype (fp16 against bf16)"), 12.0);
    near(number(finding(&document, "rouge-row"), "cells that the NLI score gives"), 12.0);
    assert!(finding(&document, "energy-is-power-times-time").finding.contains("quantisation of Qwen 7B · RAG · LoRA · INT8 (15.4%)"));
    assert!(finding(&document, "odd-adaptations").finding.contains("LLaMA 3B Summ"));
    let figure = finding(&document, "ratio-of-figure-1");
    assert!(figure.holds == Some(true) && figure.finding.ends_with("(Qwen 1B), for which Table 2 prints 2.3"), "{}", figure.finding);
    near(number(finding(&document, "api-price"), "C_api as computed"), 0.00125);
    assert_eq!(finding(&document, "caption-of-table-1").holds, Some(false));
    assert!(document.audit.iter().all(|finding| !finding.numbers.is_empty()), "no finding without its numbers");
}

/// The statement on the frontier holds in energy and time, and of quality it cannot be said.
#[test]
fn the_frontier_statement_is_tested_and_not_assumed() {
    let document = document();
    let found = finding(&document, "frontier");
    let values: Vec<f64> = found.numbers.iter().map(|number| number.value).collect();
    assert_eq!((found.holds, values), (Some(true), vec![48.0, 48.0, 7.0, 8.0]));
}

/// Were serving done one at a time, with free lengths and within one T4, the audit would say so.
#[test]
fn other_logs_have_other_findings() {
    let mut logs = Logs::shipped().unwrap();
    for (i, row) in logs.serving.iter_mut().enumerate() {
        row.time = row.ttft * 100.0 + row.itl * (row.tokens as f64 - 100.0);
        row.power = units::Watts(35.0);
        row.energy = row.power * row.time;
        row.tokens += i as u64;
    }
    logs.compression.iter_mut().for_each(|row| row.energy = row.energy / 1e3);
    let document = of_logs(&logs, "other").unwrap();
    assert_eq!(finding(&document, "concurrency").holds, Some(true));
    assert_eq!(finding(&document, "gpu-power").holds, Some(true));
    assert_eq!(finding(&document, "quantisation-share").holds, Some(true));
    assert!(finding(&document, "forced-lengths").finding.contains("not forced"));
    assert!(agreeing(&document, "1").0 < 30);
}

#[test]
fn the_qlora_question_is_split_into_time_and_power() {
    let document = document();
    assert_eq!(document.qlora.len(), 6);
    for group in &document.qlora {
        assert_eq!((group.pairs.len(), group.verdict.as_str()), (3, "confounded"));
        let [energy, time, power] = [&group.energy, &group.time, &group.power].map(|interval| interval.as_ref().unwrap());
        near(energy.value, time.value * power.value);
        assert!(energy.ci95.is_some_and(|(low, high)| low < energy.value && energy.value < high) && energy.n == 3);
    }
    let pair = &document.qlora[0].pairs[1];
    assert_eq!((pair.subject.as_str(), pair.per.as_deref()), ("LLaMA 1B · RAG", Some("row")));
    near(pair.energy.unwrap(), 784_066.12 / 92_122.30);
    assert_eq!(document.qlora[2].because, "confounded by GPUs (2 against 1)");
}

#[test]
fn what_is_absent_is_missing_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let error = Logs::read(folder.path()).unwrap_err();
    assert!(error.to_string().contains("neither a run folder nor") && error.hint().unwrap().contains(FILES[0]));
    fs::write(folder.path().join(FILES[1]), include_str!("../../data/logs/training_energy_log_llama.csv")).unwrap();
    let logs = Logs::read(folder.path()).unwrap();
    assert_eq!(logs.absent.len(), 6);
    let document = of_logs(&logs, "part").unwrap();
    let cell = &document.tables["1"][0];
    assert_eq!((cell.agrees, cell.recomputed), (Some(false), None));
    assert!(cell.missing.as_ref().unwrap().contains("vllm_inference_metrics_tesla_t4_dual.csv"), "{:?}", cell.missing);
    assert!(finding(&document, "concurrency").finding.starts_with("cannot be told"));
    for format in [Format::Text, Format::Markdown, Format::Json] {
        assert!(render(&document, format).unwrap().ends_with('\n'));
    }
}

#[test]
fn damaged_files_are_told_with_file_line_and_column() {
    let folder = tempfile::tempdir().unwrap();
    let text = include_str!("../../data/logs/training_energy_log_llama.csv").replacen("92122.30", "-1", 1);
    fs::write(folder.path().join(FILES[1]), text).unwrap();
    let error = Logs::read(folder.path()).unwrap_err().to_string();
    assert_eq!(error, "training_energy_log_llama.csv:3: column Joules: -1 is not above 0");
    fs::write(folder.path().join(FILES[1]), [b'a', 0xff]).unwrap();
    assert!(Logs::read(folder.path()).unwrap_err().to_string().contains("training_energy_log_llama.csv"));
    fs::write(folder.path().join(FILES[1]), "x".repeat((4 << 20) + 1)).unwrap();
    assert!(Logs::read(folder.path()).unwrap_err().to_string().contains("bytes"));
}

#[test]
fn json_is_versioned_and_reads_back() {
    let document = document();
    let text = render(&document, Format::Json).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["schema"], "edge-eval/reproduction/1");
    assert_eq!(value["tables"]["1"][0]["published"], 14.0);
    assert_eq!(value["tables"]["1"][0]["agrees"], true);
    assert_eq!(serde_json::from_str::<Document>(&text).unwrap(), document);
}

#[test]
fn text_and_markdown_hold_every_table() {
    let document = document();
    for format in [Format::Text, Format::Markdown] {
        let text = render(&document, format).unwrap();
        for part in ["Table 1.", "Table 5.", "30 of 30", "0.244 ≠ 0.27956", "What else the logs show", "The QLoRA question"] {
            assert!(text.contains(part), "{part}");
        }
    }
}
