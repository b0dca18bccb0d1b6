//! `edge-eval burn`: a known load on one GPU or on some threads, for examining meters. It computes nothing that is of use.

mod cuda;

use std::time::Duration;

use anyhow::bail;
use record::clock;
use serde_json::Map;
use units::{Nanos, Seconds};

use crate::{
    end::End,
    stage::{Protocol, StageArgs},
};

/// Load one GPU or some threads of the processor for a while
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// CUDA's number of the GPU
    #[arg(long, value_name = "N", conflicts_with = "cpu", required_unless_present = "cpu")]
    gpu: Option<u32>,
    /// Threads of the processor
    #[arg(long, value_name = "THREADS", value_parser = clap::value_parser!(u32).range(1..=4096))]
    cpu: Option<u32>,
    /// For so long
    #[arg(long, value_name = "S")]
    seconds: f64,
    /// Work for so many milliseconds, rest for as many, and so on
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(1..=60_000))]
    pulse_ms: Option<u32>,
    /// Hold the GPU and do nothing
    #[arg(long, requires = "gpu")]
    context_only: bool,
    #[command(flatten)]
    stage: StageArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let protocol = Protocol::begin(&args.stage)?;
    let result = burn(args, protocol);
    protocol.end(result.map(|()| Map::<String, serde_json::Value>::new()))
}

fn burn(args: &Args, protocol: Protocol) -> anyhow::Result<()> {
    if !(args.seconds > 0.0 && args.seconds <= 86_400.0) {
        bail!("--seconds is 0 to 86400");
    }
    let rhythm = |ready: Nanos| Rhythm { begun: ready, end: after(ready, args.seconds), pulse: args.pulse_ms };
    match (args.gpu, args.cpu) {
        (Some(gpu), _) => {
            let gpu = cuda::Gpu::open(gpu)?;
            let burner = if args.context_only { None } else { Some(gpu.burner()?) };
            protocol.mark("ready", Map::new());
            match burner {
                None => std::thread::sleep(Duration::from_secs_f64(args.seconds)),
                Some(burner) => rhythm(clock::now()).drive(|| burner.burn())?,
            }
        }
        (None, threads) => {
            protocol.mark("ready", Map::new());
            let rhythm = rhythm(clock::now());
            std::thread::scope(|scope| {
                for _ in 0..threads.unwrap_or(1) {
                    scope.spawn(move || {
                        rhythm.drive(|| {
                            spin();
                            Ok(())
                        })
                    });
                }
            });
        }
    }
    Ok(())
}

/// When to work and when to rest.
#[derive(Clone, Copy)]
struct Rhythm {
    begun: Nanos,
    end: Nanos,
    pulse: Option<u32>,
}

impl Rhythm {
    /// Does pieces of work, each a few milliseconds at most, until the end.
    fn drive(self, mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<()> {
        loop {
            let now = clock::now();
            if now >= self.end {
                return Ok(());
            }
            match self.rest(now) {
                None => work()?,
                Some(rest) => std::thread::sleep(rest),
            }
        }
    }

    /// How long to rest from now on; `None` while there is work.
    fn rest(self, now: Nanos) -> Option<Duration> {
        let pulse = u64::from(self.pulse?) * 1_000_000;
        let into = now.get().saturating_sub(self.begun.get()) % (2 * pulse);
        (into >= pulse).then(|| Duration::from_nanos(2 * pulse - into))
    }
}

fn after(instant: Nanos, seconds: f64) -> Nanos {
    Nanos(instant.get() + (Seconds(seconds).get() * 1e9) as u64)
}

/// Some hundred microseconds of multiply-adds that the compiler cannot drop.
fn spin() {
    let mut sums = [1.0_f64, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7];
    for _ in 0..100_000 {
        for sum in &mut sums {
            *sum = sum.mul_add(0.999_999, 1e-6);
        }
    }
    std::hint::black_box(sums);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pulses_are_half_work_and_half_rest() {
        let rhythm = Rhythm { begun: Nanos(0), end: Nanos(u64::MAX), pulse: Some(80) };
        assert_eq!(rhythm.rest(Nanos(79_000_000)), None);
        assert_eq!(rhythm.rest(Nanos(100_000_000)), Some(Duration::from_millis(60)));
        assert_eq!(rhythm.rest(Nanos(161_000_000)), None);
        assert_eq!(Rhythm { pulse: None, ..rhythm }.rest(Nanos(100_000_000)), None);
    }
}
