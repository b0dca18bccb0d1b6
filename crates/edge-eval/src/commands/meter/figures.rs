//! The figures of one run, and of several: each with its interval and n, or the reason why there is none.

use record::Verdict;
use stats::{Estimate, Sample, mean_interval};
use units::{Joules, Missing, Reading};

use super::{
    curve::Curve,
    meters::Scope,
    observe::{Observed, Source},
};

/// A figure that every run has, or lacks for a reason.
pub(super) struct Figure {
    /// Its name in JSON, with the unit.
    pub(super) name: &'static str,
    /// Its name for people.
    pub(super) label: &'static str,
    /// In words, what more of it means: `A takes 1.2 times the ... of B`. `None` where a comparison says nothing.
    pub(super) compared: Option<&'static str>,
    /// Of one run, per execution of the command.
    pub(super) of: fn(&Observed) -> Reading<f64>,
}

/// All figures, in the order in which they are told.
pub(super) static FIGURES: &[Figure] = &[
    Figure { name: "time_s", label: "time", compared: Some("time"), of: |run| Reading::Known(time(run)) },
    Figure { name: "cpu_time_s", label: "CPU time", compared: Some("CPU time"), of: |run| Reading::Known(user(run) + system(run)) },
    Figure { name: "user_s", label: "user", compared: None, of: |run| Reading::Known(user(run)) },
    Figure { name: "system_s", label: "system", compared: None, of: |run| Reading::Known(system(run)) },
    Figure { name: "energy_j", label: "energy", compared: Some("energy"), of: |run| energy(run, |source| &source.window.gross) },
    Figure { name: "net_energy_j", label: "net energy", compared: Some("net energy"), of: |run| energy(run, |source| &source.window.net) },
    Figure { name: "mean_power_w", label: "mean power", compared: None, of: mean_power },
    Figure { name: "peak_power_w", label: "peak power", compared: None, of: peak_power },
    Figure { name: "idle_power_w", label: "idle power", compared: None, of: idle_power },
    Figure {
        name: "peak_memory_bytes",
        label: "peak memory",
        compared: Some("peak memory"),
        of: |run| run.resident.clone().map(|bytes| bytes.get() as f64),
    },
    Figure {
        name: "peak_gpu_memory_bytes",
        label: "peak GPU memory",
        compared: Some("peak GPU memory"),
        of: |run| run.gpu_memory.clone().map(|bytes| bytes.get() as f64),
    },
];

/// The mean over runs with its interval, over those that have the figure; the reason of the first that lacks it when none has.
pub(super) fn estimate(figure: &Figure, runs: &[Observed]) -> Reading<Estimate> {
    let readings: Vec<Reading<f64>> = runs.iter().map(figure.of).collect();
    let known: Vec<f64> = readings.iter().filter_map(|reading| reading.known().ok().copied()).collect();
    match (Sample::new(known), readings.first()) {
        (Ok(sample), _) => Reading::Known(mean_interval(&sample)),
        (Err(_), Some(Reading::Missing(why))) => Reading::Missing(why.clone()),
        (Err(_), _) => Reading::missing("nothing was measured"),
    }
}

/// Which of a run's sources its energy is the sum of: those that see something of the command, the processor's left out where a GPU's energy
/// holds it already.
pub(super) fn counted(run: &Observed) -> Vec<usize> {
    let all: Vec<usize> = (0..run.sources.len()).collect();
    let mut used: Vec<usize> = all.iter().copied().filter(|index| !sees_nothing(&run.sources[*index])).collect();
    if used.iter().any(|index| holds_processor(&run.sources[*index])) {
        used.retain(|index| run.sources[*index].scope != Scope::Processor);
    }
    if used.is_empty() { all.into_iter().take(1).collect() } else { used }
}

/// Whether the energy of a run can be believed: the first of its sources that cannot decides.
pub(super) fn verdict(run: &Observed) -> Verdict {
    let verdicts = counted(run).into_iter().map(|index| run.sources[index].window.verdict.clone());
    verdicts.into_iter().find(|verdict| *verdict != Verdict::Valid).unwrap_or(Verdict::Valid)
}

/// What a run's energy rests on, in words; `None` where it has none.
pub(super) fn source(run: &Observed) -> Option<String> {
    let labels: Vec<_> =
        counted(run).iter().filter_map(|index| run.sources[*index].window.source).map(record::EnergySource::label).collect();
    (!labels.is_empty()).then(|| labels.join(" + "))
}

/// A GPU meter of a command that used no GPU, or no meter of the processor beside one of its GPUs.
fn sees_nothing(source: &Source) -> bool {
    let code = |wanted: &str| matches!(&source.window.verdict, Verdict::Invalid { code, .. } if code == wanted);
    match source.scope {
        Scope::Gpus => code("gpu_not_held"),
        Scope::Processor => code("no_meter"),
        Scope::Named => false,
    }
}

fn holds_processor(source: &Source) -> bool {
    source.window.devices.iter().any(|device| source.with_processor.contains(device))
}

fn time(run: &Observed) -> f64 {
    per_execution(run, run.executions.iter().map(|execution| execution.time.get()).sum())
}

fn user(run: &Observed) -> f64 {
    per_execution(run, run.executions.iter().map(|execution| execution.account.user.get()).sum())
}

fn system(run: &Observed) -> f64 {
    per_execution(run, run.executions.iter().map(|execution| execution.account.system.get()).sum())
}

fn per_execution(run: &Observed, sum: f64) -> f64 {
    sum / run.executions.len() as f64
}

fn summed<T: Copy + std::iter::Sum<T>>(run: &Observed, part: impl Fn(&Source) -> &Reading<T>) -> Reading<T> {
    let each = counted(run).into_iter().map(|index| part(&run.sources[index]).known().copied());
    each.sum::<Result<T, Missing>>().into()
}

fn energy(run: &Observed, part: impl Fn(&Source) -> &Reading<Joules>) -> Reading<f64> {
    summed(run, part).map(|energy| per_execution(run, energy.get()))
}

fn mean_power(run: &Observed) -> Reading<f64> {
    summed(run, |source| &source.window.gross).map(|energy| (energy / run.span.1.since(run.span.0)).get())
}

fn idle_power(run: &Observed) -> Reading<f64> {
    summed(run, |source| &source.window.idle).map(units::Watts::get)
}

fn peak_power(run: &Observed) -> Reading<f64> {
    match verdict(run) {
        Verdict::Invalid { reason, .. } => Reading::missing(reason),
        Verdict::Valid => Curve::of(run, &counted(run))
            .map_or_else(|| Reading::missing("power was not sampled while the command ran"), |curve| Reading::Known(curve.peak_w())),
    }
}

#[cfg(test)]
mod tests {
    use std::process::ExitStatus;

    use record::{EnergySource, EnergyWindow, Judgement};
    use units::Nanos;

    use super::*;

    fn source(scope: Scope, device: &str, joules: f64, with_processor: &[&str]) -> Source {
        let judgement = Judgement {
            source: Some(EnergySource::HwmonPower),
            gross: Ok(Joules(joules)),
            idle: Reading::missing("not asked"),
            idle_resident: None,
        };
        let window = EnergyWindow { devices: vec![device.into()], ..EnergyWindow::judged("command", Nanos(0), Nanos(1), judgement) };
        Source { scope, with_processor: with_processor.iter().map(|name| (*name).to_owned()).collect(), window, power: Vec::new() }
    }

    #[test]
    fn a_processor_is_not_added_to_a_gpu_that_holds_it() {
        let check = |with_processor: &[&str], expected: f64| {
            let sources = vec![source(Scope::Gpus, "card0", 30.0, with_processor), source(Scope::Processor, "package-0", 20.0, &[])];
            let run = Observed {
                round: 0,
                span: (Nanos(0), Nanos(1)),
                status: ExitStatus::default(),
                resident: Reading::missing("not asked"),
                gpu_memory: Reading::missing("not asked"),
                sources,
                executions: Vec::new(),
            };
            assert_eq!(summed(&run, |source| &source.window.gross), Reading::Known(Joules(expected)), "{with_processor:?}");
        };
        check(&[], 50.0);
        check(&["card1"], 50.0);
        check(&["card0"], 30.0);
    }
}
