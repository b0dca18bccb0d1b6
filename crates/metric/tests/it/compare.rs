//! Two runs of one cell, set against each other.

use metric::{CellView, compare, find, serving_runs};
use stats::ChangeMethod;

use crate::records::{campaign, edit, quality, serving};

fn view(campaign: &metric::Campaign) -> CellView<'_> {
    CellView { campaign, records: &campaign.cells[1] }
}

#[test]
fn energies_are_of_runs_apart() {
    // 100, 110 and 90 J a request against 130, 140 and 120 J: means 100 and 130, both with sd 10 over 3 runs.
    let (base, mut new) = (campaign(), campaign());
    new.cells[1].serve = vec![serving(520.0, 50.0), serving(560.0, 60.0), serving(480.0, 40.0)];
    let compared = compare(find("energy_per_request_j").unwrap(), &view(&base), &view(&new));
    let change = compared.difference.unwrap();
    // SE = √(100/3 + 100/3) = 8.164966, t(4) = 2.776445: 30 ± 22.669579.
    assert!((change.value - 30.0).abs() < 1e-9 && (change.ci95.1 - 52.669_579).abs() < 1e-4, "{change:?}");
    assert_eq!((change.method, change.freedom), (ChangeMethod::Welch, 4.0));
    let ratio = compared.ratio.unwrap();
    assert!((ratio.value - 1.3).abs() < 1e-9);
    assert_eq!(ratio.method, ChangeMethod::Fieller);
    // t = 30 / 8.164966 = 3.674235 on 4 degrees of freedom: p = 0.021312.
    assert!((compared.p_value.unwrap() - 0.021_312).abs() < 1e-5, "{:?}", compared.p_value);
}

#[test]
fn a_run_against_itself_shows_no_difference() {
    let base = campaign();
    for metric in metric::METRICS {
        let compared = compare(metric, &view(&base), &view(&base));
        if let Some(p) = compared.p_value {
            assert!((p - 1.0).abs() < 1e-9, "{}: {p}", metric.name);
            assert!(compared.difference.unwrap().value.abs() < 1e-12, "{}", metric.name);
        }
    }
    assert_eq!(serving_runs(&view(&base)), 3);
}

#[test]
fn scores_are_paired_by_item() {
    let (base, mut new) = (campaign(), campaign());
    new.cells[1].quality = quality(&[0.75, 0.5, 0.5, 0.75]);
    let compared = compare(find("score").unwrap(), &view(&base), &view(&new));
    let change = compared.difference.unwrap();
    // Differences −0.25, 0, 0, −0.25: mean −0.125, sd 0.1443376, t(3) = 3.182446: ± 0.229673.
    assert_eq!(change.method, ChangeMethod::PairedT);
    assert!((change.value + 0.125).abs() < 1e-12 && (change.ci95.1 - 0.104_673).abs() < 1e-5, "{change:?}");
    // Other items are not paired, and this is said.
    new.cells[1].quality = quality(&[0.75, 0.5, 0.5]);
    let compared = compare(find("score").unwrap(), &view(&base), &view(&new));
    assert_eq!(compared.notes, ["not paired: the items are not the same (4 and 3, 3 in common)"]);
    assert_ne!(compared.difference.unwrap().method, ChangeMethod::PairedT);
}

#[test]
fn perplexities_are_paired_by_answer() {
    let (base, mut new) = (campaign(), campaign());
    // Answers of 1 and 3 tokens, 2 nats over 4 tokens; quantised 3 nats: the ratio is e^(1/4).
    new.cells[1].perplexity = new.cells[2].perplexity.clone();
    let compared = compare(find("perplexity").unwrap(), &view(&base), &view(&new));
    let (ratio, difference) = (compared.ratio.unwrap(), compared.difference.unwrap());
    assert_eq!(ratio.method, ChangeMethod::PairedClusters);
    assert!((ratio.value - 0.25_f64.exp()).abs() < 1e-12);
    assert!((difference.value - (0.75_f64.exp() - 0.5_f64.exp())).abs() < 1e-12);
}

#[test]
fn one_run_or_none_is_nothing_to_test() {
    let (base, mut new) = (campaign(), campaign());
    new.cells[1].serve.truncate(1);
    for name in ["ttft_ms", "energy_per_request_j", "ipw"] {
        let compared = compare(find(name).unwrap(), &view(&base), &view(&new));
        assert_eq!(compared.difference.unwrap_err().0, "a single run tells nothing of how much runs differ", "{name}");
        assert_eq!(compared.p_value, None);
    }
    new.cells[1].serve.clear();
    let compared = compare(find("ttft_ms").unwrap(), &view(&base), &view(&new));
    assert!(compared.difference.unwrap_err().0.starts_with("it has none: "));
    let compared = compare(find("ttft_ms").unwrap(), &view(&new), &view(&base));
    assert!(compared.difference.unwrap_err().0.starts_with("the baseline has none: "));
}

#[test]
fn what_does_not_vary_is_no_test_and_another_meter_is_said() {
    let (base, mut new) = (campaign(), campaign());
    let compared = compare(find("ttft_ms").unwrap(), &view(&base), &view(&new));
    assert_eq!(compared.difference.unwrap_err().0, "neither varies over its runs, so there is nothing to test");
    for run in &mut new.cells[1].serve {
        edit(&mut run.stage, |record| {
            for window in &mut record.energy {
                window.source = Some(record::EnergySource::Modelled);
            }
        });
    }
    let compared = compare(find("energy_per_request_j").unwrap(), &view(&base), &view(&new));
    assert_eq!(compared.notes, ["energy is nvml counter in the baseline and modelled here"]);
}
