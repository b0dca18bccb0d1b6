//! Which meters a run is metered by: all that this machine offers, or the one that was named.

use ::meter::{Basis, DeviceReading, Effort, Meter, Metering, Nature, Places};
use anyhow::{Context, bail};
use plan::MeterSpec;
use units::Missing;

use super::Args;

/// What a meter sees of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The GPUs that it holds, if it holds any.
    Gpus,
    /// The processors.
    Processor,
    /// What the meter that was named sees.
    Named,
}

/// One meter, opened.
pub(super) struct Opened {
    pub(super) scope: Scope,
    pub(super) metering: Metering,
}

impl Opened {
    /// Whether something is read, so that idle power can be told and a window needs its length.
    pub(super) fn is_sensor(&self) -> bool {
        matches!(&self.metering, Metering::By(meter) if !matches!(meter.basis(), Basis::CpuTime { .. }))
    }
}

/// Whether the meter that was named, or the GPUs, are there at all.
///
/// # Errors
/// They are not.
pub(super) fn check(args: &Args) -> anyhow::Result<()> {
    open(args).map(drop)
}

/// Opens them, for one run.
///
/// # Errors
/// The meter that was named cannot be opened, or a GPU that was named is not there.
pub(super) fn open(args: &Args) -> anyhow::Result<Vec<Opened>> {
    let places = Places::system();
    let spec = spec(args);
    if is_named(args) {
        let metering = whole(::meter::open(&spec, &places, true)?, &args.gpu)?;
        return Ok(vec![Opened { scope: Scope::Named, metering }]);
    }
    let gpus = whole(::meter::open(&spec, &places, true)?, &args.gpu)?;
    let processor = ::meter::open(&spec, &places, false)?;
    let opened = match (gpus, processor) {
        (Metering::Absent(_), Metering::Absent(_)) => {
            vec![Opened { scope: Scope::Processor, metering: Metering::Absent(nothing(&places)) }]
        }
        (Metering::Absent(_), processor) => vec![Opened { scope: Scope::Processor, metering: processor }],
        (gpus, processor) => {
            vec![Opened { scope: Scope::Gpus, metering: gpus }, Opened { scope: Scope::Processor, metering: processor }]
        }
    };
    Ok(opened)
}

/// Why nothing measures energy here, meter by meter; what only a plan can state is left out.
fn nothing(places: &Places) -> Missing {
    let reasons = ::meter::probe(places).into_iter().filter_map(|offer| Some((offer.meter, offer.found.err()?)));
    let told: Vec<String> = reasons.filter(|(meter, _)| *meter != "csv").map(|(meter, reason)| format!("{meter}: {reason}")).collect();
    Missing(format!("nothing on this machine measures energy ({})", told.join("; ")))
}

/// The meter's name: a file that is named is the meter.
fn kind(args: &Args) -> &str {
    if args.meter == "auto" && args.external.spec().is_some() { "csv" } else { &args.meter }
}

/// Whether energy was asked for by naming what measures it.
pub(super) fn is_named(args: &Args) -> bool {
    kind(args) != "auto"
}

fn spec(args: &Args) -> MeterSpec {
    MeterSpec {
        kind: kind(args).to_owned(),
        modelled_w_per_core: args.modelled_w_per_core,
        interval_ms: args.interval_ms,
        idle_s: args.idle_s,
        csv: args.external.spec(),
    }
}

/// The same meter, counting all of the GPUs that were named, or as it is when none was.
fn whole(metering: Metering, gpus: &[u32]) -> anyhow::Result<Metering> {
    if gpus.is_empty() {
        return Ok(metering);
    }
    let mut meter = match metering {
        Metering::By(meter) if meter.basis() == Basis::Gpus => meter,
        Metering::By(_) => bail!("--gpu needs a meter of GPUs: --meter auto or nvml"),
        Metering::Absent(why) => bail!("--gpu: no GPU can be read: {why}"),
    };
    let there: Vec<u32> = meter.read(Effort::Quick, &[]).iter().map(|reading| reading.device).collect();
    let absent = gpus.iter().find(|gpu| !there.contains(gpu));
    absent.map_or(Some(()), |_| None).with_context(|| format!("--gpu {}: there are GPUs {there:?}", absent.unwrap_or(&0)))?;
    Ok(Metering::By(Box::new(Whole { meter, gpus: gpus.to_vec() })))
}

/// Some GPUs as wholes: whoever uses them belongs to what is metered.
struct Whole {
    meter: Box<dyn Meter>,
    gpus: Vec<u32>,
}

/// Stands for whoever uses the GPU; no process has this id.
const ANYONE: u32 = 0;

impl Meter for Whole {
    fn basis(&self) -> Basis {
        self.meter.basis()
    }

    fn nature(&self) -> Nature {
        self.meter.nature()
    }

    fn finish(&mut self, stage: &[u32]) -> Vec<DeviceReading> {
        let readings = self.meter.finish(stage);
        self.claimed(readings)
    }

    fn read(&mut self, effort: Effort, stage: &[u32]) -> Vec<DeviceReading> {
        let readings = self.meter.read(effort, stage);
        self.claimed(readings)
    }
}

impl Whole {
    /// The readings of these GPUs, with everybody on them taken for the command.
    fn claimed(&self, mut readings: Vec<DeviceReading>) -> Vec<DeviceReading> {
        readings.retain(|reading| self.gpus.contains(&reading.device));
        for sight in readings.iter_mut().filter_map(|reading| reading.sight.as_mut()) {
            sight.stage_pids.push(ANYONE);
            sight.foreign_pids.clear();
            (sight.unlisted, sight.unseen) = (None, None);
        }
        readings
    }
}

#[cfg(test)]
mod tests {
    use ::meter::Sight;
    use units::{Nanos, Watts};

    use super::*;

    /// Two GPUs, each with a process of somebody else.
    struct Fake;

    impl Meter for Fake {
        fn basis(&self) -> Basis {
            Basis::Gpus
        }

        fn read(&mut self, _effort: Effort, _stage: &[u32]) -> Vec<DeviceReading> {
            let sight = || Sight { foreign_pids: vec![4711], ..Sight::default() };
            let reading = |device| DeviceReading { power: Some(Watts(100.0)), sight: Some(sight()), ..DeviceReading::at(device, Nanos(1)) };
            vec![reading(0), reading(1)]
        }
    }

    #[test]
    fn a_named_gpu_is_counted_whoever_uses_it_and_the_others_are_not() {
        let Ok(Metering::By(mut meter)) = whole(Metering::By(Box::new(Fake)), &[1]) else { panic!("it did not open") };
        let readings = meter.read(Effort::Sight, &[]);
        assert_eq!(readings.iter().map(|reading| reading.device).collect::<Vec<_>>(), [1]);
        let sight = readings[0].sight.as_ref().unwrap();
        assert!(!sight.stage_pids.is_empty() && sight.foreign_pids.is_empty());
    }

    #[test]
    fn a_gpu_that_is_not_there_is_told() {
        let Err(error) = whole(Metering::By(Box::new(Fake)), &[7]) else { panic!("it opened") };
        assert_eq!(error.to_string(), "--gpu 7: there are GPUs [0, 1]");
        assert!(whole(Metering::Absent(Missing("no driver".into())), &[0]).is_err());
    }
}
