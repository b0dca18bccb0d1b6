//! A LoRA step of the 58-million-parameter shape, 4 sequences of 256 tokens, rank 16 on all projections, f32.

use criterion::{Criterion, criterion_group, criterion_main};
use model::Base;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("adapt step, 58M, 4x256");
    group.sample_size(10);
    for (name, base, checkpointing) in [
        ("lora", Base::AsStored, false),
        ("lora, checkpointing", Base::AsStored, true),
        ("qlora", Base::Nf4, false),
        ("qlora, checkpointing", Base::Nf4, true),
    ] {
        let mut step = adapt::speed::Step::new(base, checkpointing).expect("the shape is valid");
        group.bench_function(name, |b| b.iter(|| step.run().expect("a step runs")));
    }
    group.finish();
}

criterion_group!(benches, step);
criterion_main!(benches);
