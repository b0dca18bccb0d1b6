//! Coverage by simulation: 10,000 draws from a known law, and the share of intervals that hold the truth is 95% ± 1.5%.
//!
//! Intervals over counts cannot be exact (their coverage jumps with p and n), so they are tested where theory puts them within
//! the band. Bootstraps use few resamples here; that costs a little coverage, which the band allows for.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stats::{Bootstrap, BootstrapKind, Clusters, Estimate, Sample, jackknife_interval, mean_interval, quantile_interval, wilson};

const DRAWS: usize = 10_000;

/// A standard normal number by the polar method of Marsaglia & Bray (1964).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    loop {
        let (u, v) = (rng.random_range(-1.0..1.0f64), rng.random_range(-1.0..1.0f64));
        let s = u * u + v * v;
        if s > 0.0 && s < 1.0 {
            return u * (-2.0 * s.ln() / s).sqrt();
        }
    }
}

fn exponential(rng: &mut ChaCha8Rng) -> f64 {
    -(1.0 - rng.random::<f64>()).ln()
}

fn sample(n: usize, mut draw: impl FnMut() -> f64) -> Sample {
    Sample::new((0..n).map(|_| draw()).collect::<Vec<_>>()).unwrap()
}

#[track_caller]
fn check(truth: f64, mut estimate: impl FnMut(&mut ChaCha8Rng) -> Estimate) {
    let mut rng = ChaCha8Rng::seed_from_u64(20_260_101);
    let held = (0..DRAWS)
        .filter(|_| {
            let (low, high) = estimate(&mut rng).ci95.unwrap();
            low <= truth && truth <= high
        })
        .count();
    let coverage = held as f64 / DRAWS as f64;
    assert!((coverage - 0.95).abs() <= 0.015, "coverage {coverage:.4}");
}

fn bootstrap(kind: BootstrapKind, rng: &mut ChaCha8Rng) -> Bootstrap {
    Bootstrap { kind, resamples: 600, seed: rng.random() }
}

#[test]
fn t_interval_of_five_normal_runs() {
    check(10.0, |rng| mean_interval(&sample(5, || 10.0 + 3.0 * normal(rng))));
}

#[test]
fn t_interval_of_twenty_runs_of_uneven_length() {
    check(0.5, |rng| mean_interval(&sample(20, || rng.random::<f64>())));
}

#[test]
fn order_statistics_of_a_median() {
    check(std::f64::consts::LN_2, |rng| quantile_interval(&sample(200, || exponential(rng)), 0.5).unwrap());
}

#[test]
fn order_statistics_of_a_95th_percentile() {
    check(20.0_f64.ln(), |rng| quantile_interval(&sample(1000, || exponential(rng)), 0.95).unwrap());
}

#[test]
fn wilson_of_a_rare_event() {
    check(0.1, |rng| wilson((0..100).filter(|_| rng.random_bool(0.1)).count(), 100).unwrap());
}

#[test]
fn wilson_of_an_even_chance() {
    check(0.5, |rng| wilson((0..40).filter(|_| rng.random_bool(0.5)).count(), 40).unwrap());
}

#[test]
fn percentile_bootstrap_of_twenty_runs() {
    check(0.5, |rng| {
        let data = sample(20, || rng.random());
        bootstrap(BootstrapKind::Percentile, rng).mean(&data).unwrap()
    });
}

#[test]
fn bca_bootstrap_of_a_skewed_mean() {
    check(1.0, |rng| {
        let data = sample(80, || exponential(rng));
        bootstrap(BootstrapKind::Bca, rng).mean(&data).unwrap()
    });
}

#[test]
fn bca_ratio_of_paired_means() {
    // Items of differing difficulty; the right system keeps 90% of the left one's score on average.
    check(0.9, |rng| {
        let (a, b): (Vec<f64>, Vec<f64>) = (0..40)
            .map(|_| {
                let item = 1.0 + rng.random::<f64>();
                (item * (0.9 + 0.1 * normal(rng)), item)
            })
            .unzip();
        bootstrap(BootstrapKind::Bca, rng).ratio_of_means_paired(&Sample::new(a).unwrap(), &Sample::new(b).unwrap()).unwrap()
    });
}

/// The ratio of mean marks after quantisation and before: 6% of the items are lost, 3% get the mark of another answer, the rest keep theirs.
#[track_caller]
fn check_fidelity(items: usize, mark: fn(&mut ChaCha8Rng) -> f64) {
    check(0.94, |rng| {
        let (after, before): (Vec<f64>, Vec<f64>) = (0..items)
            .map(|_| {
                let before = mark(rng);
                let after = match rng.random::<f64>() {
                    change if change < 0.06 => 0.0,
                    change if change < 0.09 => mark(rng),
                    _ => before,
                };
                (after, before)
            })
            .unzip();
        let (after, before) = (Sample::new(after).unwrap(), Sample::new(before).unwrap());
        bootstrap(BootstrapKind::Bca, rng).ratio_of_means_paired(&after, &before).unwrap()
    });
}

#[test]
fn fidelity_of_right_and_wrong_answers() {
    check_fidelity(150, |rng| f64::from(u8::from(rng.random::<f64>() < 0.7)));
}

#[test]
fn fidelity_of_f1_marks() {
    // As of short answers: many wholly right, many wholly wrong, some between.
    check_fidelity(150, |rng| match rng.random::<f64>() {
        kind if kind < 0.3 => 0.0,
        kind if kind < 0.75 => 1.0,
        _ => rng.random(),
    });
}

#[test]
fn fidelity_of_rouge_marks() {
    // As of summaries: none wholly right, most about a quarter.
    check_fidelity(150, |rng| (0.25 + 0.1 * normal(rng)).clamp(0.0, 1.0));
}

#[test]
fn percentile_difference_of_paired_means() {
    check(0.25, |rng| {
        let (a, b): (Vec<f64>, Vec<f64>) = (0..40)
            .map(|_| {
                let item = normal(rng);
                (item + 0.25 + 0.2 * normal(rng), item)
            })
            .unzip();
        bootstrap(BootstrapKind::Percentile, rng).difference_of_means_paired(&Sample::new(a).unwrap(), &Sample::new(b).unwrap()).unwrap()
    });
}

#[test]
fn bca_ratio_of_independent_means() {
    check(2.0, |rng| {
        let (a, b) = (sample(40, || 10.0 + normal(rng)), sample(20, || 5.0 + normal(rng)));
        bootstrap(BootstrapKind::Bca, rng).ratio_of_means_independent(&a, &b).unwrap()
    });
}

#[test]
fn jackknife_of_a_ratio_over_three_runs() {
    check(2.0, |rng| {
        let (a, b): (Vec<f64>, Vec<f64>) = (0..3)
            .map(|_| {
                let speed = 5.0 + 0.5 * normal(rng);
                (2.0 * speed + 0.3 * normal(rng), speed)
            })
            .unzip();
        let sum = |values: &[f64], picks: &[usize]| picks.iter().map(|&i| values[i]).sum::<f64>();
        jackknife_interval(&[3], |picks| sum(&a, &picks[0]) / sum(&b, &picks[0])).unwrap()
    });
}

#[test]
fn jackknife_of_a_ratio_of_independent_groups() {
    check(2.0, |rng| {
        let (a, b) = (sample(5, || 10.0 + normal(rng)), sample(8, || 5.0 + 0.5 * normal(rng)));
        let mean = |values: &[f64], picks: &[usize]| picks.iter().map(|&i| values[i]).sum::<f64>() / picks.len() as f64;
        jackknife_interval(&[5, 8], |picks| mean(a.values(), &picks[0]) / mean(b.values(), &picks[1])).unwrap()
    });
}

/// Requests of uneven length whose gaps share the request's own pace: an exponential pace times an even draw.
fn paced_gaps(rng: &mut ChaCha8Rng, requests: usize) -> Clusters {
    let clusters: Vec<Vec<f64>> = (0..requests)
        .map(|_| {
            let (pace, gaps) = (1.0 + exponential(rng), rng.random_range(4..12));
            (0..gaps).map(|_| pace * 2.0 * rng.random::<f64>()).collect()
        })
        .collect();
    Clusters::new(clusters).unwrap()
}

#[test]
fn clusters_of_gaps_have_a_mean() {
    // Pace 1 + 1 on average, draw 1 on average.
    check(2.0, |rng| paced_gaps(rng, 200).mean());
}

#[test]
fn clusters_of_gaps_have_a_median() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let truth = paced_gaps(&mut rng, 200_000).quantile(0.5).unwrap().value;
    check(truth, |rng| paced_gaps(rng, 60).quantile(0.5).unwrap());
}

#[test]
fn clusters_of_gaps_have_a_90th_percentile() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let truth = paced_gaps(&mut rng, 200_000).quantile(0.9).unwrap().value;
    check(truth, |rng| paced_gaps(rng, 200).quantile(0.9).unwrap());
}
