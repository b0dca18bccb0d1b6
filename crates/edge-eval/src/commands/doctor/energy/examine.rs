//! Takes raw readings of one device, idle and under loads, and has them judged.

use std::time::Duration;

use ::meter::{
    Basis, Channel, Effort, METERS, Meter, Places,
    certify::{self, RawRead, Repeatability, Residual, Spread, UnderLoad, Watched},
};
use plan::MeterSpec;
use record::clock;
use units::{Joules, Nanos, Reading, Seconds, Watts};

use super::{Args, load, load::Load, talk};

/// How long idle power is looked at.
const IDLE_S: f64 = 4.0;
/// What a device needs to come to rest, or up to speed.
const SETTLE_S: f64 = 2.0;
/// Pause between two rounds of reads.
const PAUSE: Duration = Duration::from_millis(1);
/// Length of the two windows that are to be equal, in seconds.
const EQUAL_S: f64 = 5.0;
/// The period at which a sampler reads, in seconds.
const SAMPLED_S: f64 = 0.1;
/// Length of a load beyond the longest window, in seconds.
const BEYOND_S: f64 = 2.0;

/// One device to be examined.
pub(super) struct Subject {
    meter: Box<dyn Meter>,
    name: &'static str,
    basis: Basis,
    device: u32,
    product: Option<String>,
}

/// Every device of every meter that tells raw values here.
pub(super) fn subjects(args: &Args, places: &Places) -> Vec<Subject> {
    let spec = spec();
    let mut subjects = Vec::new();
    for kind in METERS {
        let Ok(mut first) = (kind.open)(&spec, places) else { continue };
        let (basis, readings) = (first.basis(), first.read(Effort::Sight, &[]));
        for reading in readings {
            let is_wanted = basis != Basis::Gpus || reading.device == args.gpu;
            let tells = [Channel::Counter, Channel::Instant, Channel::Average].map(|channel| first.raw(reading.device, channel));
            if !is_wanted || tells.iter().all(|told| !matches!(told, Some(Ok(_)))) {
                continue;
            }
            let Ok(meter) = (kind.open)(&spec, places) else { continue };
            let product = reading.sight.map(|sight| sight.name);
            subjects.push(Subject { meter, name: kind.name, basis, device: reading.device, product });
        }
    }
    subjects
}

/// The meter's settings where no plan has any.
pub(super) fn spec() -> MeterSpec {
    MeterSpec { kind: "auto".to_owned(), modelled_w_per_core: None, interval_ms: 100, idle_s: 0.0, csv: None }
}

/// Examines one device.
///
/// # Errors
/// Its load cannot be put on.
pub(super) fn device(args: &Args, mut subject: Subject) -> anyhow::Result<certify::Device> {
    let of = format!("{} {}", subject.name, subject.device);
    talk(args, &format!("{of}: idle, {IDLE_S} s"));
    let idle = subject.watch(IDLE_S, SETTLE_S);
    let with_context = context_power(args, &mut subject, &of);
    let (loads, seen) = under_loads(args, &mut subject, &of)?;
    let seen = seen.unwrap_or_else(|| idle.clone());
    Ok(certify::Device {
        meter: subject.name.to_owned(),
        device: subject.device,
        name: subject.product,
        counter_tick_s: told(RawRead::refresh(&seen.counter), "the energy counter is not there or does not move"),
        counter_call_s: told(RawRead::calls(&seen.counter), "there is no energy counter"),
        instant_refresh_s: told(RawRead::refresh(&seen.instant), "instantaneous power is not there or does not change"),
        instant_call_s: told(RawRead::calls(&seen.instant), "there is no instantaneous power"),
        average_refresh_s: told(RawRead::refresh(&seen.average), "averaged power is not there or does not change"),
        average_call_s: told(RawRead::calls(&seen.average), "there is no averaged power"),
        idle_w: mean_power(&idle),
        idle_with_context_w: with_context,
        usable: certify::usable(&loads).map_or_else(Reading::missing, Reading::Known),
        loads,
    })
}

impl Subject {
    /// Reads for a while, after a while.
    fn watch(&mut self, seconds: f64, settle: f64) -> Watched {
        std::thread::sleep(Duration::from_secs_f64(settle));
        let end = Nanos(clock::now().get() + (seconds * 1e9) as u64);
        certify::watch(&mut *self.meter, self.device, PAUSE, |now| now < end)
    }
}

fn context_power(args: &Args, subject: &mut Subject, of: &str) -> Reading<Watts> {
    if subject.basis != Basis::Gpus {
        return Reading::missing("a processor has no context");
    }
    if args.no_load {
        return Reading::missing("--no-load was given");
    }
    talk(args, &format!("{of}: with an idle context, {IDLE_S} s"));
    let (basis, device) = (subject.basis, subject.device);
    match load::during(Load::Context, basis, device, 60.0, || subject.watch(IDLE_S, SETTLE_S)) {
        Ok(watched) => mean_power(&watched),
        Err(error) => Reading::missing(format!("a context could not be made: {error:#}")),
    }
}

/// What was seen under every load, and the readings of the last one.
fn under_loads(args: &Args, subject: &mut Subject, of: &str) -> anyhow::Result<(Vec<UnderLoad>, Option<Watched>)> {
    let (mut loads, mut seen) = (Vec::new(), None);
    if args.no_load {
        return Ok((loads, seen));
    }
    let seconds = args.windows.iter().copied().fold(args.load_s, f64::max).max(2.0 * EQUAL_S) + BEYOND_S;
    for load in [Load::Steady, Load::Pulsed(args.pulse_ms)] {
        talk(args, &format!("{of}: {} load, {seconds:.0} s", load.name()));
        let (basis, device) = (subject.basis, subject.device);
        let watched = load::during(load, basis, device, seconds + 60.0, || subject.watch(seconds, SETTLE_S))?;
        loads.push(judged(load, &watched, &args.windows));
        seen = Some(watched);
    }
    Ok((loads, seen))
}

fn judged(load: Load, watched: &Watched, windows: &[f64]) -> UnderLoad {
    let (ticks, power) = (certify::ticks(&watched.counter), watched.power());
    let sampled = seldom(&power);
    let rows = |residual: &dyn Fn(Seconds) -> Option<Residual>| windows.iter().filter_map(|length| residual(Seconds(*length))).collect();
    let equal: Option<Repeatability> = certify::repeatability(&ticks, Seconds(EQUAL_S));
    UnderLoad {
        load: load.name(),
        power_w: mean_power(watched),
        aligned: rows(&|length| certify::residuals(&ticks, &power, length)),
        aligned_sampled: rows(&|length| certify::residuals(&ticks, &sampled, length)),
        unaligned: rows(&|length| certify::residuals(&watched.counter, &power, length)),
        repeatability: told(equal, "the counter has no two such windows"),
    }
}

/// Power as a sampler would have it: one reading a period.
fn seldom(power: &[(Nanos, Watts)]) -> Vec<(Nanos, Watts)> {
    let mut kept: Vec<(Nanos, Watts)> = Vec::new();
    for sample in power {
        if kept.last().is_none_or(|last| sample.0.since(last.0).get() >= SAMPLED_S) {
            kept.push(*sample);
        }
    }
    kept
}

/// By the counter between its first and last tick, else the mean of the power readings.
fn mean_power(watched: &Watched) -> Reading<Watts> {
    let ticks = certify::ticks(&watched.counter);
    if let (Some(first), Some(last)) = (ticks.first(), ticks.last())
        && last.at > first.at
        && last.value > first.value
    {
        return Reading::Known(Joules((last.value - first.value) as f64 / 1e6) / last.at.since(first.at));
    }
    let power = watched.power();
    match Spread::of(power.iter().map(|(_, watts)| watts.get()).collect::<Vec<_>>()) {
        Some(_) => Reading::Known(Watts(power.iter().map(|(_, watts)| watts.get()).sum::<f64>() / power.len() as f64)),
        None => Reading::missing("neither counter nor power could be read"),
    }
}

fn told<T>(found: Option<T>, why: &str) -> Reading<T> {
    found.map_or_else(|| Reading::missing(why), Reading::Known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sampler_sees_one_reading_a_period() {
        let dense: Vec<_> = (0..1000_u64).map(|i| (Nanos(i * 2_000_000), Watts(1.0))).collect();
        assert_eq!(seldom(&dense).len(), 20);
    }

    #[test]
    fn mean_power_is_the_counters_where_there_is_one() {
        let read = |at: u64, value: u64| RawRead { at: Nanos(at * 1_000_000_000), took: Seconds(0.0), value };
        let counter = vec![read(0, 0), read(1, 10_000_000), read(2, 10_000_000), read(3, 30_000_000)];
        // From half a second to two and a half: 20 J.
        assert_eq!(mean_power(&Watched { counter, ..Watched::default() }), Reading::Known(Watts(10.0)));
        let instant = vec![RawRead { at: Nanos(0), took: Seconds(0.0), value: Watts(70.0) }];
        assert_eq!(mean_power(&Watched { instant, ..Watched::default() }), Reading::Known(Watts(70.0)));
        assert!(mean_power(&Watched::default()).known().is_err());
    }
}
