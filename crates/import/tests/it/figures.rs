//! Which figures follow: with everything given all of them, by hand; with nothing given each says what it lacks.

use import::{Answer, Api, Document, Given, Scores, document};
use units::{Bytes, Dollars, Joules, Seconds, Watts};

use crate::{no_scores, nothing, read};

fn everything(energy: Vec<Joules>) -> Given {
    Given {
        energy,
        idle: Some(Watts(10.0)),
        cold_start_energy: Some(Joules(300.0)),
        cold_start: Some(Seconds(3.0)),
        gpu_memory: Some(Bytes(2_000_000_000)),
        weights_disk: Some(Bytes(1_000_000_000)),
        setup: Some(Dollars(10.0)),
        api: Some(Api {
            name: "hosted".into(),
            input_usd_per_mtok: 10.0,
            output_usd_per_mtok: 40.0,
            date: "2026-01-01".into(),
            source: "price page".into(),
        }),
        // 1e-7 USD/J and 0.001 USD/s.
        electricity_usd_per_kwh: Some(0.36),
        machine_usd_per_hour: Some(3.6),
        ..nothing()
    }
}

fn value(document: &Document, index: usize, name: &str) -> Result<f64, String> {
    let figure = document.measurements[index].figures.iter().find(|figure| figure.name == name).expect("shown");
    match &figure.estimate {
        Answer::Known(estimate) => Ok(estimate.value),
        Answer::Missing { missing } => Err(missing.to_string()),
    }
}

#[track_caller]
fn near(got: Result<f64, String>, expected: f64) {
    let got = got.unwrap();
    assert!((got - expected).abs() < 1e-9 * expected.abs().max(1.0), "{got}, not {expected}");
}

/// Both measurements of the file are the same run, once as its summary and once as rows.
#[test]
fn a_summary_and_its_rows_give_the_same_figures() {
    let source = read("vllm_bench.json");
    let scores = Scores { score: Scores::choose(&score("lm_eval_int4.json"), None, Some("acc,none")), ..no_scores() };
    let document = document(&[source], &everything(vec![Joules(60.0), Joules(60.0)]), &scores).unwrap();
    for index in [0, 1] {
        // 12 tokens in 2 s; 60 J over 3 answered requests.
        near(value(&document, index, "throughput_tok_s"), 6.0);
        near(value(&document, index, "rho_sys"), 3.0);
        near(value(&document, index, "rho_sys_disk"), 6.0);
        near(value(&document, index, "energy_per_request_j"), 20.0);
        near(value(&document, index, "energy_per_request_net_j"), 40.0 / 3.0);
        near(value(&document, index, "c_tax"), 15.0);
        near(value(&document, index, "ipw"), 0.625 / 20.0);
        near(value(&document, index, "load_time_s"), 3.0);
        near(value(&document, index, "requests_failed"), 1.0);
        // At the hosted model 10 · 10e-6 + 4 · 40e-6; here 20 J · 1e-7 and 2/3 s · 0.001: never.
        let never = value(&document, index, "n_break").unwrap_err();
        assert!(never.starts_with("never: a request costs 6.687e-4 USD here and 2.600e-4 USD"), "{never}");
    }
    // Rows alone have latencies.
    assert_eq!(value(&document, 0, "ttft_ms").unwrap_err(), "the file has no rows: it needs each request's times");
    near(value(&document, 1, "ttft_ms"), 100.0);
    near(value(&document, 1, "itl_ms"), 20.0);
    near(value(&document, 1, "e2e_ms"), 160.0);
}

#[test]
fn break_even_by_hand_without_the_machines_time() {
    let given = Given { machine_usd_per_hour: None, ..everything(vec![Joules(60.0), Joules(60.0)]) };
    let document = document(&[read("vllm_bench.json")], &given, &no_scores()).unwrap();
    near(value(&document, 0, "n_break"), 10.0 / (2.6e-4 - 2e-6));
}

#[test]
fn what_is_not_told_is_missing_and_names_its_flag() {
    let document = document(&[read("aiperf.jsonl")], &nothing(), &no_scores()).unwrap();
    let why = |name: &str| value(&document, 0, name).unwrap_err();
    assert_eq!(why("rho_sys"), "peak memory is not told (--gpu-gb or --ram-gb)");
    assert_eq!(
        why("c_tax"),
        "the energy of a cold start is not told (--cold-start-j); the energy of the requests is not told (--energy-j)"
    );
    assert_eq!(why("ipw"), "score: no score is told; the energy of the requests is not told (--energy-j)");
    assert_eq!(why("q_ret"), "score: no score is told");
    assert!(why("n_break").starts_with("what making and setting up cost is not told (--setup-usd); a hosted model's price"));
    assert_eq!(why("rho_sys_disk"), "the weights' size on disk is not told (--weights-gb)");
    assert!(value(&document, 0, "ttft_ms").is_ok() && value(&document, 0, "throughput_tok_s").is_ok());
}

#[test]
fn our_ttft_of_rows_is_the_tools_own() {
    let document = document(&[read("guidellm.json")], &nothing(), &no_scores()).unwrap();
    near(value(&document, 0, "throughput_tok_s"), 192.0 / observed(&document, 0, "time of the requests"));
    let sent = value(&document, 0, "ttft_sent_ms").unwrap();
    assert!((50.0..80.0).contains(&sent), "{sent}");
    assert!(value(&document, 0, "ttft_ms").unwrap() > sent, "from the due time it is longer");
    // Its rows keep the first and the last token alone.
    let tpot = value(&document, 0, "tpot_ms").unwrap();
    assert!((10.0..10.5).contains(&tpot), "{tpot}");
    assert_eq!(value(&document, 0, "itl_ms").unwrap_err(), "no row tells when each token came (tpot_ms is their mean)");
}

fn observed(document: &Document, index: usize, name: &str) -> f64 {
    let row = document.measurements[index].observed.iter().find(|row| row.name == name).expect("observed");
    *row.value.known().unwrap()
}

#[test]
fn repeated_runs_share_a_cell_and_have_intervals() {
    let given = Given { repeated: true, ..everything(vec![Joules(60.0), Joules(66.0)]) };
    let document = document(&[read("vllm_bench.json")], &given, &no_scores()).unwrap();
    assert_eq!(document.measurements.len(), 1);
    near(value(&document, 0, "energy_per_request_j"), 21.0);
    let figure = document.measurements[0].figures.iter().find(|figure| figure.name == "energy_per_request_j").unwrap();
    assert!(matches!(&figure.estimate, Answer::Known(estimate) if estimate.n == 2 && estimate.ci95.is_some()));
    assert!(figure.notes.contains(&"energy as given, not metered here".to_owned()));
}

#[test]
fn energies_must_be_one_a_measurement() {
    let error = document(&[read("vllm_bench.json")], &everything(vec![Joules(60.0)]), &no_scores()).unwrap_err();
    assert_eq!(error.to_string(), "1 values of the energy of the requests for 2 measurements");
    assert!(error.hint().is_some());
}

fn score(name: &str) -> Vec<import::TaskScore> {
    read(name).imported.iter().filter_map(|one| one.score().cloned()).collect()
}

#[test]
fn fidelity_is_paired_where_items_are_known_and_a_bare_ratio_otherwise() {
    let of = |after: &str, before: &str| {
        let choose = |name: &str| Scores::choose(&score(name), None, Some("acc,none"));
        let scores = Scores { score: choose(after), baseline: choose(before) };
        document(&[read("vllm_bench.json")], &nothing(), &scores).unwrap()
    };
    let paired = of("samples_arc_easy_int4.jsonl", "samples_arc_easy_fp16.jsonl");
    near(value(&paired, 0, "q_ret"), 100.0 * 5.0 / 6.0);
    let notes =
        |document: &Document| document.measurements[0].figures.iter().find(|figure| figure.name == "q_ret").unwrap().notes.join("\n");
    assert!(notes(&paired).contains("99% gate") && notes(&paired).contains("1 items lost, 0 gained of 8"), "{}", notes(&paired));
    let means = of("lm_eval_int4.json", "lm_eval_fp16.json");
    near(value(&means, 0, "q_ret"), 100.0 * 0.625 / 0.75);
    assert!(notes(&means).contains("no interval and no gate"));
}

#[test]
fn a_score_must_be_named_when_there_are_several() {
    let why = Scores::choose(&score("lm_eval_int4.json"), None, None).unwrap_err().to_string();
    assert_eq!(why, "several of the scores fit; name one task and mark of: arc_easy acc,none, arc_easy acc_norm,none");
    assert!(Scores::choose(&score("lm_eval_int4.json"), Some("arc_easy"), Some("acc,none")).is_ok());
    assert!(Scores::choose(&score("lm_eval_int4.json"), Some("mmlu"), None).unwrap_err().to_string().starts_with("none of the scores fit"));
}
