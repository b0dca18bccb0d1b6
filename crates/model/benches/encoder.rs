//! 32 pairs of about 256 tokens through the shape of DeBERTa-v3-base. `cargo bench -p model --bench encoder`; pairs a second are `elem/s`.
//! `encoder_transformers.py` beside this file sets it against transformers, in turns.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::Encoder;
use model::bench_shapes::{deberta_v3_base, pairs};

/// As in the shipped binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn encoder(c: &mut Criterion) {
    let config = deberta_v3_base().expect("a valid shape");
    let encoder = Encoder::random(&config, 1, &model::device::best()).expect("a valid shape");
    let pairs = pairs();
    let mut group = c.benchmark_group("deberta-v3-base");
    group.sample_size(10).measurement_time(Duration::from_secs(60));
    group.throughput(Throughput::Elements(pairs.len() as u64));
    group.bench_function("classify", |b| b.iter(|| encoder.classify(&pairs).expect("the pairs fit")));
    group.finish();
}

criterion_group!(benches, encoder);
criterion_main!(benches);
