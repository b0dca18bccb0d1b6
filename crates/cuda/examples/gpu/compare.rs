//! Logits of a model folder on the GPU against `model::Decoder` on the CPU in f32.

use std::path::Path;

use anyhow::Result;
use cuda::kernels::Tuning;
use cuda::{Decoder, Gpu};
use model::sampling::argmax;
use model::tensor::Tensor;
use model::{Base, Compute, LoadOptions};

use crate::reference::{error, wide};

pub(crate) fn run(gpu: &Gpu, folder: &Path) -> Result<()> {
    let ours = Decoder::load(gpu, folder, Tuning::default())?;
    let options = LoadOptions { device: model::device::best(), compute: Compute::F32, base: Base::AsStored };
    let theirs = model::Decoder::load(folder, &options)?;
    println!("{:?}, {} bytes of weights", ours.half(), ours.weight_bytes());
    let vocabulary = ours.config().vocab;
    let prompt = model::bench_shapes::prompt(75, vocabulary);
    let mut cache = theirs.new_cache(1, 256)?;
    let mut cpu = |ids: &[u32]| -> Result<Vec<f32>> {
        let ids = Tensor::new(ids, theirs.device())?.unsqueeze(0)?;
        Ok(theirs.forward(&ids, &mut cache)?.squeeze(0)?.to_vec1()?)
    };
    let (mut by_prompt, mut by_steps) = (ours.open(256)?, ours.open(256)?);
    let expected = cpu(&prompt)?;
    let first = by_prompt.step(&prompt)?;
    let mut last = Vec::new();
    for id in &prompt {
        last = by_steps.step(&[*id])?;
    }
    println!("prompt of 75   by rows {:.2e}, token by token {:.2e}", far(&first, &expected), far(&last, &expected));
    let mut id = argmax(&expected).unwrap_or(0);
    let mut agreed = 0;
    for step in 0..64 {
        let expected = cpu(&[id])?;
        let (a, b) = (by_prompt.step(&[id])?, by_steps.step(&[id])?);
        if step % 9 == 0 {
            println!("step {step:<9} after rows {:.2e}, after tokens {:.2e}", far(&a, &expected), far(&b, &expected));
        }
        id = argmax(&expected).unwrap_or(0);
        agreed += usize::from(argmax(&b) == Some(id));
    }
    println!("most probable token the same in {agreed} of 64 steps");
    let second: Vec<u32> = model::bench_shapes::prompt(40, vocabulary);
    println!("a second piece {:.2e}", far(&by_prompt.step(&second)?, &cpu(&second)?));
    let mut chain = ours.open(256)?;
    let mut greedy = chain.greedy(&prompt, 32)?;
    let mut single = ours.open(256)?;
    let mut logits = single.step(&prompt)?;
    let mut same = 0;
    for id in &greedy {
        let best = argmax(&logits).unwrap_or(0);
        same += usize::from(best == *id);
        logits = single.step(&[*id])?;
    }
    println!("greedy on the GPU equals greedy on the host in {same} of 32 tokens");
    chain.truncate(0);
    let again = chain.greedy(&prompt, 32)?;
    greedy.truncate(32);
    println!("and again: {}", again == greedy);
    Ok(())
}

fn far(got: &[f32], expected: &[f32]) -> f64 {
    error(&wide(got), &wide(expected))
}
