//! What the sampler itself costs, and how fine the clock is that the modelled meter rests on.

use std::time::Duration;

use ::meter::{Basis, Channel, METERS, Meter, Metering, Places, ProcessGroup, Raw, Sampler, certify};
use record::clock;
use rustix::time::{ClockId, clock_gettime};
use stats::Sample;
use units::{Nanos, Reading, Seconds};

use super::{Args, examine, load, load::Load, talk};

/// The sampler's period in milliseconds.
const INTERVAL_MS: u32 = 100;
/// How long each look lasts, in seconds.
const LOOK_S: f64 = 2.0;
/// Blocks of four looks, where a counter tells power. A GPU's idle power wanders by watts, so their spread is what the mean is judged by.
const BLOCKS: u32 = 6;
/// Blocks where only CPU time is looked at, which does not wander.
const BLOCKS_WITHOUT_COUNTER: u32 = 1;

/// How long a load is let run before it is looked at: a GPU grows warm, and draws more for it.
const WARM: Duration = Duration::from_secs(15);

/// What a sampler needs to have begun.
const SETTLE: Duration = Duration::from_millis(500);

/// CPU share and power of a sampler with the best meter that is here. A GPU is given a steady load meanwhile, if loads are allowed: its
/// power at rest wanders by several watts from one second to the next, under a steady load by a few tenths.
///
/// # Errors
/// A sampler cannot be started.
pub(super) fn sampler(args: &Args, places: &Places) -> anyhow::Result<certify::SamplerCost> {
    let mut counter = counter(args, places);
    let blocks = if counter.is_some() { BLOCKS } else { BLOCKS_WITHOUT_COUNTER };
    let seconds = f64::from(4 * blocks) * LOOK_S;
    talk(args, &format!("the sampler itself: {seconds:.0} s"));
    let gpu = counter.as_ref().filter(|(meter, _)| meter.basis() == Basis::Gpus && !args.no_load).map(|(_, device)| *device);
    if let Some(device) = gpu {
        let looked = load::during(Load::Steady, Basis::Gpus, device, 2.0 * seconds + WARM.as_secs_f64() + 60.0, || {
            std::thread::sleep(WARM);
            looks(&mut counter, places, blocks, Load::Steady.name())
        });
        match looked {
            Ok(cost) => return cost,
            Err(why) => talk(args, &format!("at rest instead, for there is no load: {why:#}")),
        }
    }
    looks(&mut counter, places, blocks, "rest".to_owned())
}

fn looks(counter: &mut Option<Counter>, places: &Places, blocks: u32, under: String) -> anyhow::Result<certify::SamplerCost> {
    let (mut shares, mut powers) = (Vec::new(), Vec::new());
    for _ in 0..blocks {
        let block = block(counter, places)?;
        shares.push(block.cpu_share);
        powers.extend(block.power);
    }
    let power = match Sample::new(powers) {
        Ok(powers) => Reading::Known(stats::mean_interval(&powers)),
        Err(_) => Reading::missing("no counter tells the machine's power"),
    };
    let share = shares.iter().sum::<f64>() / f64::from(blocks);
    Ok(certify::SamplerCost { interval_ms: INTERVAL_MS, under, cpu_share: Reading::Known(share), power_w: power })
}

/// What four looks tell.
struct Block {
    cpu_share: f64,
    /// Watts with the sampler less watts without, where both are known.
    power: Option<f64>,
}

/// Without, with, with, without the sampler: a power that drifts evenly cancels.
fn block(counter: &mut Option<Counter>, places: &Places) -> anyhow::Result<Block> {
    let (_, before) = look(counter);
    let sampler = start(places)?;
    let (first, second) = (look(counter), look(counter));
    drop(sampler.stop(None::<Seconds>));
    let (_, after) = look(counter);
    let mean = |a: Option<f64>, b: Option<f64>| Some(f64::midpoint(a?, b?));
    let power = mean(first.1, second.1).zip(mean(before, after)).map(|(on, off)| on - off);
    Ok(Block { cpu_share: f64::midpoint(first.0, second.0), power })
}

/// The smallest step by which a running process's CPU clock goes on.
pub(super) fn cpu_clock_resolution() -> Reading<f64> {
    let readings: Vec<Nanos> = (0..10_000).map(|_| cpu_time()).collect();
    let steps = readings.windows(2).filter_map(|pair| pair[1].get().checked_sub(pair[0].get()).filter(|step| *step > 0));
    let smallest = steps.min();
    smallest.map_or_else(|| Reading::missing("the clock of CPU time does not move"), |step| Reading::Known(step as f64 / 1e9))
}

/// A sampler that watches this process.
fn start(places: &Places) -> anyhow::Result<Sampler> {
    let spec = examine::spec();
    let metering = match ::meter::open(&spec, places, true)? {
        Metering::Absent(_) => ::meter::open(&spec, places, false)?,
        gpus @ Metering::By(_) => gpus,
    };
    let sampler = Sampler::start(metering, places, Duration::from_millis(u64::from(INTERVAL_MS)))?;
    sampler.watch(ProcessGroup { pgid: rustix::process::getpgrp().as_raw_nonzero().get().unsigned_abs() });
    // The reading at that edge is dear and is none of every period.
    std::thread::sleep(SETTLE);
    Ok(sampler)
}

/// Share of a core that we use while we sleep, and the device's power meanwhile.
fn look(counter: &mut Option<Counter>) -> (f64, Option<f64>) {
    let first = counter.as_mut().and_then(next_tick);
    let begun = (clock::now(), cpu_time());
    std::thread::sleep(Duration::from_secs_f64(LOOK_S));
    let ended = (clock::now(), cpu_time());
    let last = counter.as_mut().and_then(next_tick);
    let power = first.zip(last).and_then(|(first, last)| {
        let energy = Seconds::get(last.0.since(first.0));
        Some(last.1.checked_sub(first.1)? as f64 / 1e6 / energy)
    });
    (ended.1.since(begun.1) / ended.0.since(begun.0), power)
}

/// A counter of the device that is examined.
type Counter = (Box<dyn Meter>, u32);

fn counter(args: &Args, places: &Places) -> Option<Counter> {
    METERS.iter().find_map(|kind| {
        let mut meter = (kind.open)(&examine::spec(), places).ok()?;
        let device = if meter.basis() == Basis::Gpus { args.gpu } else { 0 };
        matches!(meter.raw(device, Channel::Counter), Some(Ok(Raw::Microjoules(_)))).then_some((meter, device))
    })
}

/// The instant at which the counter moves next, and its value then; `None` when it does not within half a second.
fn next_tick((meter, device): &mut Counter) -> Option<(Nanos, u64)> {
    let mut read = || match meter.raw(*device, Channel::Counter) {
        Some(Ok(Raw::Microjoules(value))) => Some(value),
        _ => None,
    };
    let before = read()?;
    let end = Nanos(clock::now().get() + 500_000_000);
    while clock::now() < end {
        let value = read()?;
        if value != before {
            return Some((clock::now(), value));
        }
    }
    None
}

/// CPU time of all our threads.
fn cpu_time() -> Nanos {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Nanos(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}
