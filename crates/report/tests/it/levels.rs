//! Levels of concurrency: a table of their own, rows behind the others in CSV, entries in JSON.

use report::{CellFigures, Document, Figure, Format, render};
use stats::{Estimate, Method};

use crate::sample::document;

fn level(cell: &CellFigures, concurrency: u32, throughput: Option<f64>) -> CellFigures {
    let of = |value: f64, unit: &str| {
        let estimate = Estimate { value, ci95: Some((value * 0.95, value * 1.05)), n: 3, method: Method::T };
        Figure::known(&estimate, unit)
    };
    let metrics = [("ttft_ms", "ms", 5.0 * f64::from(concurrency)), ("rho_sys", "tok/s/GB", throughput.unwrap_or(0.0) * 10.0)];
    let figure = |(name, unit, value): (&str, &str, f64)| {
        let missing = || Figure::missing(format!("run 1 is left out: at {concurrency} streams the server died"), unit);
        (name.to_owned(), throughput.map_or_else(missing, |_| of(value, unit)))
    };
    CellFigures { concurrency: Some(concurrency), metrics: metrics.map(figure).into(), ..cell.clone() }
}

/// The base model at 1, 4 and 16 streams; the server died at 16.
fn swept() -> Document {
    let mut document = document();
    document.cells.truncate(1);
    document.definitions.retain(|definition| ["ttft_ms", "rho_sys", "score"].contains(&definition.name.as_str()));
    let cell = &document.cells[0];
    document.levels = vec![level(cell, 1, Some(2500.0)), level(cell, 4, Some(8000.0)), level(cell, 16, None)];
    document
}

fn print(format: Format) -> String {
    render(&swept(), format).unwrap().replace("\r\n", "\n")
}

/// From the line that holds `first` to the next empty one.
fn part(text: &str, first: &str) -> String {
    let from = text.find(first).unwrap();
    text[from..].split("\n\n").next().unwrap().to_owned() + "\n"
}

#[test]
fn a_table_by_concurrency() {
    expect_test::expect![[r#"
        By concurrency
         model     strategy   streams  ttft_ms       ρ_sys
         task      engine              ms ↓ n=3      tok/s/GB ↑ n=3
         Tiny 3M   base-fp16  1        5.00          25,000
         rag (f1)  embedded            [4.75, 5.25]  [23,750, 26,250]
                   base-fp16  4        20.0          80,000
                   embedded            [19.0, 21.0]  [76,000, 84,000]
                   base-fp16  16       - (1)         - (1)
                   embedded
    "#]]
    .assert_eq(&part(&print(Format::Terminal), "By concurrency"));
    assert!(print(Format::Terminal).contains("(1) run 1 is left out: at 16 streams the server died"));
    assert!(print(Format::Markdown).contains("\n## By concurrency\n"));
    assert!(!render(&document(), Format::Terminal).unwrap().contains("By concurrency"));
}

#[test]
fn goodput_has_a_table_of_its_own_and_columns_by_level_where_there_are_limits() {
    let mut document = swept();
    let rate = report::Definition { name: "goodput_rps".into(), unit: "requests/s".into(), ..document.definitions[0].clone() };
    document.definitions.push(rate);
    let put = |cell: &mut CellFigures, figure: Figure| drop(cell.metrics.insert("goodput_rps".into(), figure));
    let none = || Figure::missing("the plan states no limits: set slo.ttft_ms", "requests/s");
    document.cells.iter_mut().chain(&mut document.levels).for_each(|cell| put(cell, none()));
    let without = render(&document, Format::Terminal).unwrap();
    assert!(!without.contains("goodput") && !without.contains("states no limits"), "{without}");
    let known = Figure::known(&Estimate { value: 3.5, ci95: Some((3.0, 4.0)), n: 3, method: Method::T }, "requests/s");
    put(&mut document.cells[0], known.clone());
    put(&mut document.levels[1], known);
    let with = render(&document, Format::Terminal).unwrap();
    assert!(part(&with, "Within the limits of [slo]").contains("3.50"), "{with}");
    assert!(part(&with, "By concurrency").contains("goodput_rps"), "{with}");
}

#[test]
fn csv_has_the_level_last_and_a_variants_own_figures_first() {
    expect_test::expect![[r#"
        family,tier,task,strategy,engine,metric,value,ci95_low,ci95_high,n,unit,method,source,missing,notes,client,engine_version,flags,concurrency
        Tiny,3M,rag,base-fp16,embedded,score,0.12,0.08,0.17,60,,t,,,,client not calibrated,,,
        Tiny,3M,rag,base-fp16,embedded,rho_sys,25000,24000,26100,3,,t,,,,client not calibrated,,,1
        Tiny,3M,rag,base-fp16,embedded,ttft_ms,5.1,4.9,5.4,60,,t,,,,client not calibrated,,,1
        Tiny,3M,rag,base-fp16,embedded,rho_sys,80000,76000,84000,3,tok/s/GB,t,,,,client not calibrated,,,4
        Tiny,3M,rag,base-fp16,embedded,ttft_ms,20,19,21,3,ms,t,,,,client not calibrated,,,4
        Tiny,3M,rag,base-fp16,embedded,rho_sys,,,,,tok/s/GB,,,run 1 is left out: at 16 streams the server died,,client not calibrated,,,16
        Tiny,3M,rag,base-fp16,embedded,ttft_ms,,,,,ms,,,run 1 is left out: at 16 streams the server died,,client not calibrated,,,16
    "#]].assert_eq(&print(Format::Csv));
}

#[test]
fn json_comes_back_and_one_without_levels_is_read() {
    let json = print(Format::Json);
    assert_eq!(serde_json::from_str::<Document>(&json).unwrap(), swept());
    let mut old: serde_json::Value = serde_json::from_str(&json).unwrap();
    for newer in ["levels", "crossings"] {
        old.as_object_mut().unwrap().remove(newer).unwrap();
    }
    old["cells"][0].as_object_mut().unwrap().remove("concurrency").unwrap();
    let read: Document = serde_json::from_value(old).unwrap();
    assert!(read.levels.is_empty() && read.cells[0].concurrency.is_none());
}
