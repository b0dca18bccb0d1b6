//! Prefill and decode of the 58M shape: 512 tokens in, 64 out, in every format. `cargo bench -p model`; tokens a second are `elem/s`.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use model::bench_shapes::{Bench, FORMATS, small};

/// As in the shipped binary: an allocator that keeps what it is given back makes prefill a quarter faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PROMPT: usize = 512;
const ANSWER: usize = 64;

fn decoder(c: &mut Criterion) {
    for &(name, compute, base) in FORMATS {
        let mut bench = Bench::new(&small(), (compute, base), PROMPT, ANSWER).expect("a valid shape");
        let mut group = c.benchmark_group(name);
        group.sample_size(10).measurement_time(Duration::from_secs(8));
        group.throughput(Throughput::Elements(PROMPT as u64));
        group.bench_function("prefill", |b| b.iter(|| bench.prefill().expect("the prompt fits")));
        group.throughput(Throughput::Elements(ANSWER as u64));
        group.bench_function("decode", |b| b.iter(|| bench.decode(ANSWER).expect("the answer fits")));
        group.finish();
    }
}

criterion_group!(benches, decoder);
criterion_main!(benches);
