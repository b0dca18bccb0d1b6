//! ROUGE of made-up summaries of XSum's lengths (22 and 20 words), a thousand pairs: `cargo bench -p score`. The comparison with
//! Python's `rouge_score` on the real ones is `compare.py` beside this file.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use score::marks::rouge::{Variant, rouge};

const PAIRS: u64 = 1000;

/// Sentences from a vocabulary of a few thousand words, frequent ones first, as a small congruential generator draws them.
fn sentences(words: u64, mut state: u64) -> Vec<String> {
    let mut word = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let uniform = (state >> 33) as f64 / 2_f64.powi(31);
        let rank = (4000_f64.powf(uniform)) as u64;
        format!("w{}ing", rank * rank)
    };
    (0..PAIRS).map(|_| (0..words).map(|_| word()).collect::<Vec<_>>().join(" ")).collect()
}

fn marks(criterion: &mut Criterion) {
    let (references, predictions) = (sentences(22, 1), sentences(20, 2));
    let mut group = criterion.benchmark_group("rouge");
    group.throughput(Throughput::Elements(PAIRS));
    for (name, variant) in [("1", Variant::N(1)), ("2", Variant::N(2)), ("l", Variant::L), ("lsum", Variant::Lsum)] {
        for (setting, stemmed) in [("plain", false), ("stemmed", true)] {
            group.bench_function(format!("{name}, {setting}"), |b| {
                b.iter(|| references.iter().zip(&predictions).map(|(r, p)| rouge(variant, stemmed, r, p).f1).sum::<f64>());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, marks);
criterion_main!(benches);
