//! Tokens a second of a shape with random weights, by the GPU's own clock.

use std::path::Path;

use anyhow::Result;
use cuda::kernels::{Half, Tuning};
use cuda::{Decoder, Gpu, Sequence};
use model::{Config, bench_shapes};

/// Turnings that are compared.
const TUNINGS: &[Tuning] = &[
    Tuning { depths: [4; 5], splits: 16, programmatic: true },
    Tuning { depths: [4; 5], splits: 16, programmatic: false },
    Tuning { depths: [2; 5], splits: 16, programmatic: true },
];

pub(crate) fn run(gpu: &Gpu, shape: &str, prompt: usize, answer: usize) -> Result<()> {
    let config = config(shape)?;
    let ids = bench_shapes::prompt(prompt, config.vocab);
    for half in [Half::Bf16, Half::F16] {
        for tuning in if half == Half::Bf16 { TUNINGS } else { &TUNINGS[..1] } {
            let decoder = Decoder::random(gpu, &config, half, 1, *tuning)?;
            let mut sequence = decoder.open(prompt + answer + 8)?;
            let gigabytes = decoder.weight_bytes() as f64 / 1e9;
            let ttft = median(5, || prefill(gpu, &mut sequence, &ids))?;
            let token = median(5, || decode(gpu, &mut sequence, &ids, answer))?;
            println!(
                "{half:?} {tuning:?}: {gigabytes:.3} GB, prompt {prompt} in {:.2} ms, a token {:.4} ms, {:.0} tok/s, {:.0} GB/s",
                ttft * 1e3,
                token * 1e3,
                1.0 / token,
                gigabytes / token,
            );
        }
    }
    Ok(())
}

/// Requests one after the other, prompt and greedy answer, as many as asked for: to be metered from outside.
pub(crate) fn requests(gpu: &Gpu, shape: &str, count: usize) -> Result<()> {
    let config = config(shape)?;
    let decoder = Decoder::random(gpu, &config, Half::Bf16, 1, Tuning::default())?;
    let ids = bench_shapes::prompt(512, config.vocab);
    let mut sequence = decoder.open(ids.len() + 128)?;
    sequence.greedy(&ids, 128)?;
    gpu.wait()?;
    println!("begin");
    let start = gpu.mark()?;
    for _ in 0..count {
        sequence.truncate(0);
        sequence.greedy(&ids, 128)?;
    }
    let end = gpu.mark()?;
    gpu.wait()?;
    let seconds = end.seconds_since(&start)?;
    println!("end: {count} requests of 512 and 128 tokens in {seconds:.3} s, {:.4} s each", seconds / count as f64);
    Ok(())
}

fn config(shape: &str) -> Result<Config> {
    Ok(match shape {
        "small" => bench_shapes::small(),
        "1b" => bench_shapes::llama_1b(),
        folder => Config::from_folder(Path::new(folder))?,
    })
}

/// Seconds of the prompt, its logits included.
fn prefill(gpu: &Gpu, sequence: &mut Sequence, ids: &[u32]) -> Result<f64> {
    sequence.truncate(0);
    gpu.wait()?;
    let start = gpu.mark()?;
    sequence.step(ids)?;
    let end = gpu.mark()?;
    gpu.wait()?;
    Ok(end.seconds_since(&start)?)
}

/// Seconds a token of a greedy answer.
fn decode(gpu: &Gpu, sequence: &mut Sequence, ids: &[u32], answer: usize) -> Result<f64> {
    sequence.truncate(ids.len());
    sequence.step(&[7])?;
    gpu.wait()?;
    let start = gpu.mark()?;
    sequence.greedy(&[11], answer)?;
    let end = gpu.mark()?;
    gpu.wait()?;
    Ok(end.seconds_since(&start)? / answer as f64)
}

pub(crate) fn median(times: usize, mut take: impl FnMut() -> Result<f64>) -> Result<f64> {
    take()?;
    let mut all = (0..times).map(|_| take()).collect::<Result<Vec<_>>>()?;
    all.sort_by(f64::total_cmp);
    Ok(all[all.len() / 2])
}
