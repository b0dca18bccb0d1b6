//! The speed table: prefill and decode of the 58-million-parameter LLaMA shape in each format, and LoRA and QLoRA steps. The best of
//! some rounds, since whatever else runs on the machine only ever adds time. For figures with intervals there are criterion's benches in
//! `model` and `adapt`, and for whole stages the campaign.

use adapt::speed::{BATCH, LENGTH, Step};
use anyhow::Result;
use clap::Args;
use model::{
    Base,
    bench_shapes::{Bench, FORMATS, small},
};
use record::{Machine, clock};

/// What to measure.
#[derive(Args)]
pub(crate) struct Options {
    /// Rounds, of which the best counts.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Tokens of the prompt.
    #[arg(long, default_value_t = 512)]
    prompt: usize,
    /// Tokens decoded after it.
    #[arg(long, default_value_t = 64)]
    decode: usize,
    /// Leave the training steps out.
    #[arg(long)]
    no_training: bool,
}

/// Prints the table.
///
/// # Errors
/// The memory for a model cannot be had, or an operation fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    println!("{}", machine());
    println!("58M shape, prompt {}, decode {}, batch 1, best of {}", options.prompt, options.decode, options.rounds);
    println!("{:<8} {:>14} {:>14} {:>12}", "weights", "prefill tok/s", "decode tok/s", "weights MB");
    for &(name, compute, base) in FORMATS {
        let mut bench = Bench::new(&small(), (compute, base), options.prompt, options.decode)?;
        let prefill = best(options.rounds, || bench.prefill())?;
        let decode = best(options.rounds, || bench.decode(options.decode))?;
        let [prefill, decode] = [options.prompt as f64 / prefill, options.decode as f64 / decode];
        println!("{name:<8} {prefill:>14.0} {decode:>14.1} {:>12.1}", bench.decoder().weight_bytes() as f64 / 1e6);
    }
    if options.no_training { Ok(()) } else { training(options.rounds) }
}

/// One line on what the figures were taken on.
fn machine() -> String {
    let machine = Machine::fingerprint(env!("CARGO_PKG_VERSION"));
    let cpu = machine.cpu.as_deref().unwrap_or("unknown processor");
    format!("{cpu}, {} cores, {}", machine.cores, machine.cpu_features.join(" "))
}

/// Seconds of the fastest round; one more goes before them, to warm up.
fn best<E>(rounds: u32, mut work: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    work()?;
    (0..rounds).try_fold(f64::INFINITY, |best, _| {
        let began = clock::now();
        work()?;
        Ok(best.min(clock::now().since(began).get()))
    })
}

/// Prints the seconds of a training step.
fn training(rounds: u32) -> Result<()> {
    println!("{:<24} {:>8}", format!("step of {BATCH} x {LENGTH}, r 16"), "s");
    for (name, base, checkpointing) in [
        ("LoRA, f32 base", Base::AsStored, false),
        ("LoRA, checkpointing", Base::AsStored, true),
        ("QLoRA, NF4 base", Base::Nf4, false),
        ("QLoRA, checkpointing", Base::Nf4, true),
    ] {
        let mut step = Step::new(base, checkpointing)?;
        let seconds = best(rounds, || step.run().map(|_| ()))?;
        println!("{name:<24} {seconds:>8.2}");
    }
    Ok(())
}
