//! What the sampler itself costs, and how fine the clock is that the modelled meter rests on.

use std::time::Duration;

use ::meter::{Basis, Channel, METERS, Meter, Metering, Places, ProcessGroup, Raw, Sampler, certify};
use record::clock;
use rustix::time::{ClockId, clock_gettime};
use units::{Nanos, Reading, Seconds, Watts};

use super::{Args, examine, talk};

/// The sampler's period in milliseconds.
const INTERVAL_MS: u32 = 100;
/// How long each look lasts, in seconds.
const LOOK_S: f64 = 3.0;
/// Looks with the sampler, and as many without, in turn.
const LOOKS: u32 = 2;

/// What a sampler needs to have begun.
const SETTLE: Duration = Duration::from_millis(500);

/// CPU share and power of a sampler with the best meter that is here.
///
/// # Errors
/// A sampler cannot be started.
pub(super) fn sampler(args: &Args, places: &Places) -> anyhow::Result<certify::SamplerCost> {
    talk(args, &format!("the sampler itself: {:.0} s", f64::from(2 * LOOKS) * LOOK_S));
    let mut counter = counter(args, places);
    let (mut shares, mut on, mut off) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..LOOKS {
        off.push(look(&mut counter).1);
        let sampler = start(places)?;
        let (share, power) = look(&mut counter);
        drop(sampler.stop(None::<Seconds>));
        shares.push(share);
        on.push(power);
    }
    let power = match (mean(&on), mean(&off)) {
        (Some(on), Some(off)) => Reading::Known(Watts(on - off)),
        _ => Reading::missing("no counter tells the machine's power"),
    };
    let share = shares.iter().sum::<f64>() / f64::from(LOOKS);
    Ok(certify::SamplerCost { interval_ms: INTERVAL_MS, cpu_share: Reading::Known(share), power_w: power })
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

/// The mean of all, when all are known.
fn mean(values: &[Option<f64>]) -> Option<f64> {
    let known: Vec<f64> = values.iter().copied().collect::<Option<_>>()?;
    Some(known.iter().sum::<f64>() / known.len() as f64)
}

/// CPU time of all our threads.
fn cpu_time() -> Nanos {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Nanos(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}
