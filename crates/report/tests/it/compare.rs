//! Runs set against each other, from their folders.

use std::path::Path;

use record::{Detail, Manifest, RunFolder};
use report::{Across, COMPARED, Comparison, Gate, Outcome, Verdict, Wanted, compare};
use tempfile::TempDir;
use units::Nanos;

use crate::run_folder::{manifest, served};

/// A run whose base cell served 200 tokens in windows of so many milliseconds.
fn run(windows_ms: &[u64], change: impl FnOnce(&mut Manifest)) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut manifest = manifest();
    manifest.cells[0].serve = (0..windows_ms.len()).map(|i| format!("serve{i}")).collect();
    change(&mut manifest);
    let folder = RunFolder::create(dir.path(), &manifest).unwrap();
    for (key, ms) in manifest.cells[0].serve.iter().zip(windows_ms) {
        let mut record = served(&folder, key);
        let Detail::Serve(facts) = &mut record.detail else { panic!("no facts") };
        facts.window = (Nanos(1_000_000_000), Nanos(1_000_000_000 + ms * 1_000_000));
        folder.put(&record).unwrap();
    }
    dir
}

fn wanted(gates: &[&str]) -> Wanted {
    Wanted {
        metrics: COMPARED.iter().filter_map(|name| metric::find(name)).collect(),
        across: Vec::new(),
        gates: gates.iter().map(|gate| gate.parse::<Gate>().unwrap()).collect(),
    }
}

fn compared(a: &Path, b: &Path, gates: &[&str]) -> Comparison {
    compare(&[a, b], &wanted(gates)).unwrap()
}

#[test]
fn every_compared_figure_is_one() {
    assert!(COMPARED.iter().all(|name| metric::find(name).is_some()));
}

#[test]
fn a_run_beside_itself_has_no_difference() {
    let a = run(&[1990, 2000, 2010], |_| {});
    let comparison = compared(a.path(), a.path(), &["throughput_tok_s < -10%", "ttft_ms > +1%"]);
    assert!(comparison.setup_differences.is_empty() && comparison.unmatched.is_empty());
    let figures = || comparison.cells.iter().flat_map(|cell| &cell.figures);
    assert!(figures().all(|figure| matches!(figure.verdict, Verdict::NoDetectableDifference | Verdict::Untested)));
    assert_eq!(comparison.gates.iter().map(|gate| gate.outcome).collect::<Vec<_>>(), [Outcome::Kept; 2]);
    let text = comparison.terminal();
    assert!(text.contains("machine, versions, data and plan are the same") && text.contains("no detectable difference"), "{text}");
}

#[test]
fn a_slower_run_is_told_and_breaks_its_gate() {
    // 200 tokens in about 2 s and in about 2.5 s: 100 and 80 tokens/s.
    let (a, b) = (run(&[1990, 2000, 2010], |_| {}), run(&[2490, 2500, 2510], |manifest| manifest.machine.cpu = Some("another".into())));
    let gates = ["throughput_tok_s < -5%", "throughput_tok_s < 90", "throughput_tok_s < -30", "ttft_ms > 300", "score < -0.01"];
    let comparison = compared(a.path(), b.path(), &gates);
    let figure = comparison.cells[0].figures.iter().find(|figure| figure.metric == "throughput_tok_s").unwrap();
    assert_eq!((figure.verdict, comparison.family), (Verdict::Worse, 2), "{figure:?}");
    let relative = figure.relative_percent.as_ref().unwrap();
    assert!((relative.value + 20.0).abs() < 0.05 && relative.ci95.unwrap().1 < -18.0, "{relative:?}");
    assert!(figure.p.unwrap() <= figure.p_holm.unwrap() && figure.p_holm.unwrap() < 0.001);
    let outcomes: Vec<_> = comparison.gates.iter().map(|gate| gate.outcome).collect();
    assert_eq!(outcomes, [Outcome::Broken, Outcome::Broken, Outcome::Kept, Outcome::Kept, Outcome::Broken]);
    assert_eq!(comparison.gates[4].missing.as_deref(), Some("no cell has `score`"));
    assert_eq!((comparison.setup_differences[0].fact.as_str(), comparison.setup_differences[0].new.as_str()), ("machine.cpu", "another"));
    let text = comparison.terminal();
    let (apart, figures) = (text.find("unlike A: B has machine.cpu = another").unwrap(), text.find("throughput_tok_s").unwrap());
    assert!(apart < figures, "what is unlike is said before any figure: {text}");
    assert!(text.contains("gate 'throughput_tok_s < -5%': broken (0 of 1 cells are surely within it)"), "{text}");
    let markdown = comparison.markdown();
    assert!(markdown.contains("| throughput\\_tok\\_s<br>tokens/s |") && markdown.contains("## Gates"), "{markdown}");
    let json = serde_json::to_value(&comparison).unwrap();
    assert_eq!((&json["schema"], &json["gates"][0]["outcome"]), (&"edge-eval/compare/1".into(), &"broken".into()));
}

#[test]
fn an_interval_that_crosses_the_gate_is_neither_kept_nor_broken() {
    let (a, b) = (run(&[1800, 2000, 2200], |_| {}), run(&[1900, 2100, 2300], |_| {}));
    let comparison = compared(a.path(), b.path(), &["throughput_tok_s < -5%"]);
    assert_eq!(comparison.gates[0].outcome, Outcome::Inconclusive);
    assert!(comparison.terminal().contains("inconclusive by B · "));
}

#[test]
fn a_figure_that_is_gone_breaks_the_gate_and_one_run_is_judged_by_its_value() {
    let (a, b) = (run(&[1990, 2000, 2010], |_| {}), run(&[], |_| {}));
    let gone = compared(a.path(), b.path(), &["ttft_ms > 300"]);
    assert_eq!(gone.gates[0].outcome, Outcome::Broken);
    assert!(gone.gates[0].checks[0].note.as_ref().unwrap().starts_with("the baseline has the figure and this run does not: "));
    let back = compared(b.path(), a.path(), &["throughput_tok_s < -5%", "throughput_tok_s < 50"]);
    assert_eq!([back.gates[0].outcome, back.gates[1].outcome], [Outcome::Inconclusive, Outcome::Kept]);
    let once = run(&[3000], |_| {});
    let alone = compared(a.path(), once.path(), &["throughput_tok_s < -5%"]);
    let check = &alone.gates[0].checks[0];
    assert_eq!(check.outcome, Outcome::Broken);
    assert_eq!(check.note.as_deref(), Some("judged by the value alone: a single run tells nothing of how much runs differ"));
}

#[test]
fn cells_of_other_engines_are_compared_when_asked() {
    let (a, b) = (
        run(&[1990, 2000, 2010], |_| {}),
        run(&[2490, 2500, 2510], |manifest| {
            for cell in &mut manifest.cells {
                cell.cell.engine = "<vllm>".into();
            }
        }),
    );
    let apart = compared(a.path(), b.path(), &[]);
    assert!(apart.cells.is_empty() && apart.unmatched.len() == 10, "{:?}", apart.unmatched);
    assert!(apart.terminal().contains("nothing could be tested"));
    let across = compare(&[a.path(), b.path()], &Wanted { across: vec![Across::Engine], ..wanted(&[]) }).unwrap();
    assert_eq!((across.cells.len(), across.unmatched.len()), (5, 0));
    assert!(across.cells[0].counterpart.as_ref().unwrap().ends_with("embedded"));
    assert!(across.markdown().contains("\\<vllm\\>"));
    // Without its strategy a cell has five counterparts, of which one is of its own name.
    let same = compare(&[a.path(), a.path()], &Wanted { across: vec![Across::Strategy], ..wanted(&[]) }).unwrap();
    assert_eq!((same.cells.len(), same.unmatched.len()), (5, 0));
}
