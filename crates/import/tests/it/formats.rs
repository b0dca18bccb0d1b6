//! What each format's reader makes of its fixture.

use import::{Imported, Requests, Serving};
use record::Request;
use units::{Nanos, Reading, Seconds};

use crate::read;

fn servings(name: &str) -> Vec<Serving> {
    read(name).imported.into_iter().filter_map(|one| one.serving().cloned()).collect()
}

fn rows(serving: &Serving) -> &[Request] {
    match &serving.requests {
        Requests::Rows(rows) => rows,
        Requests::Totals { .. } => panic!("no rows"),
    }
}

fn seconds(serving: &Serving) -> f64 {
    serving.window.known().copied().map(Seconds::get).unwrap()
}

#[test]
fn every_file_is_recognised_by_its_keys() {
    let files = [
        ("aiperf.jsonl", "aiperf"),
        ("aiperf_summary.json", "aiperf"),
        ("guidellm.json", "guidellm"),
        ("llama_bench.json", "llama-bench"),
        ("lm_eval_int4.json", "lm-eval"),
        ("samples_arc_easy_int4.jsonl", "lm-eval"),
        ("vllm_bench.json", "vllm-bench"),
    ];
    for (file, format) in files {
        assert_eq!(read(file).format, format, "{file}");
    }
}

#[test]
fn aiperf_rows_keep_their_instants_and_leave_out_the_warm_up() {
    let [serving] = &servings("aiperf.jsonl")[..] else { panic!("one measurement") };
    let rows = rows(serving);
    assert_eq!((rows.len(), serving.requests.answered(), serving.requests.failed()), (4, 3, Reading::Known(1)));
    let first = &rows[0];
    assert_eq!((first.due, first.prompt_tokens, first.completion_tokens), (Nanos(0), Some(52), Some(4)));
    assert!(first.sent > first.due, "let go, then started");
    let ttft = first.first_content.unwrap().since(first.sent).get();
    assert!((ttft - 0.075_524_262).abs() < 1e-8, "{ttft}");
    assert_eq!((first.content_times.len(), first.content_times[1].since(first.content_times[0])), (4, Seconds(0.010_186_541)));
    assert!(first.end >= *first.content_times.last().unwrap());
    assert_eq!(rows[3].failure.as_deref(), Some("Service Unavailable 503: no server"));
    assert_eq!(serving.concurrency, Reading::Known(4));
    assert_eq!(serving.notes, ["1 rows of other phases than profiling are left out"]);
}

#[test]
fn aiperf_summary_has_totals() {
    let [serving] = &servings("aiperf_summary.json")[..] else { panic!("one measurement") };
    let expected = Requests::Totals { answered: 16, failed: Reading::Known(0), input: Reading::Known(880), output: Reading::Known(1024) };
    assert_eq!(serving.requests, expected);
    assert!((seconds(serving) - 2.826_277_376).abs() < 1e-9);
    assert_eq!((serving.label.as_str(), &serving.concurrency), ("AIPerf 0.13.0, m", &Reading::Known(4)));
    assert!(serving.stated.iter().any(|stated| stated.key == "output_token_throughput.avg" && (stated.value - 361.884_524).abs() < 1e-5));
}

#[test]
fn guidellm_gives_a_measurement_a_benchmark() {
    let [whole, sampled] = &servings("guidellm.json")[..] else { panic!("two measurements") };
    let rows = rows(whole);
    assert_eq!((whole.label.as_str(), rows.len(), whole.requests.answered()), ("GuideLLM 0.8.1, m, concurrent 4", 4, 3));
    let answered: Vec<_> = rows.iter().filter(|row| row.failure.is_none()).collect();
    let ttft = answered[0].first_content.unwrap().since(answered[0].sent).get();
    assert!((0.05..0.08).contains(&ttft), "{ttft}");
    assert_eq!((answered[0].completion_tokens, answered[0].content_times.len()), (Some(64), 0));
    assert!(rows.iter().any(|row| row.failure.as_deref() == Some("HTTP 503")));
    assert!(whole.notes.iter().any(|note| note.starts_with("2 requests were cut off")));
    // A report that keeps one row of three is a summary.
    assert_eq!(sampled.label, "GuideLLM 0.8.1, m, constant 2/s");
    assert_eq!((sampled.requests.answered(), sampled.requests.output()), (3, Reading::Known(192)));
    assert!(matches!(sampled.requests, Requests::Totals { .. }));
}

#[test]
fn vllm_bench_appends_and_its_lists_become_rows() {
    let [summary, detailed] = &servings("vllm_bench.json")[..] else { panic!("two measurements") };
    assert_eq!(
        summary.requests,
        Requests::Totals { answered: 3, failed: Reading::Known(1), input: Reading::Known(30), output: Reading::Known(12) }
    );
    let rows = rows(detailed);
    assert_eq!((rows.len(), detailed.requests.input(), detailed.requests.output()), (4, Reading::Known(30), Reading::Known(12)));
    assert_eq!((rows[2].sent, rows[2].first_content, rows[2].end), (Nanos(500_000_000), Some(Nanos(600_000_000)), Nanos(660_000_000)));
    assert_eq!((rows[3].failure.as_deref(), rows[3].first_content), (Some("Service Unavailable"), None));
    assert_eq!(detailed.concurrency, Reading::Known(2));
}

#[test]
fn llama_bench_gives_a_measurement_a_test() {
    let [prompt, generation, both] = &servings("llama_bench.json")[..] else { panic!("three measurements") };
    assert_eq!(prompt.label, "llama-bench build 5163, llama 1B Q4_K - Medium, pp 512");
    assert_eq!((generation.requests.output(), seconds(generation)), (Reading::Known(256), 8.0));
    assert_eq!((both.requests.answered(), both.requests.input()), (2, Reading::Known(1024)));
    assert_eq!(both.weights.known().unwrap().get(), 800_000_000);
    assert!(generation.notes.iter().any(|note| note.contains("no input tokens")));
}

#[test]
fn lm_eval_gives_a_score_a_mark_and_items_where_it_has_them() {
    let scores = |name: &str| read(name).imported.into_iter().filter_map(|one: Imported| one.score().cloned()).collect::<Vec<_>>();
    let means = scores("lm_eval_int4.json");
    assert_eq!(means.iter().map(|score| score.mark.as_str()).collect::<Vec<_>>(), ["acc,none", "acc_norm,none"]);
    assert_eq!((means[0].value, &means[0].stderr, &means[0].n), (0.625, &Reading::Known(0.05), &Reading::Known(8)));
    assert!(means[1].stderr.known().is_err() && means[0].items.is_empty());
    let [items] = &scores("samples_arc_easy_int4.jsonl")[..] else { panic!("one mark") };
    assert_eq!((items.task.as_str(), items.mark.as_str(), items.value, items.items.len()), ("arc_easy", "acc,none", 0.625, 8));
}
