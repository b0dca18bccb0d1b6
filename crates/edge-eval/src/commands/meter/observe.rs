//! One measured run of one command: idle before it, its executions in one process group, and what every meter saw.

use std::time::Duration;

use ::meter::{Metering, Places, ProcessGroup, Sampler, Trace};
use anyhow::Context;
use campaign::{Account, GroupChild};
use record::{EnergyWindow, PowerSample, clock};
use rustix::process::Signal;
use units::{Bytes, Nanos, Reading, Seconds};

use super::{
    Args,
    command::{Launch, Stdout, Streams},
    interrupt::Interrupt,
    meters::{self, Opened, Scope},
};

/// A command is repeated until a sensor's window is this long: shorter ones do not repeat within a percent.
const LONG_ENOUGH: Seconds = Seconds(5.0);

/// Measures commands.
pub(super) struct Observer<'a> {
    pub(super) args: &'a Args,
    /// Processes beside the command's.
    pub(super) also: Vec<u32>,
    pub(super) interrupt: &'a Interrupt,
}

/// One run as it was seen.
#[derive(Clone, Debug)]
pub(super) struct Observed {
    pub(super) round: u32,
    /// First spawn and last end.
    pub(super) span: (Nanos, Nanos),
    /// The command's executions, one after the other.
    pub(super) executions: Vec<Execution>,
    /// How the last one ended.
    pub(super) status: std::process::ExitStatus,
    pub(super) sources: Vec<Source>,
    pub(super) resident: Reading<Bytes>,
    pub(super) gpu_memory: Reading<Bytes>,
}

/// One execution of the command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Execution {
    pub(super) time: Seconds,
    pub(super) account: Account,
}

/// What one meter saw.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) scope: Scope,
    /// Names of its GPUs whose energy holds the processor's.
    pub(super) with_processor: Vec<String>,
    pub(super) window: EnergyWindow,
    /// All samples of the run, those before and after the window too.
    pub(super) power: Vec<PowerSample>,
}

/// A command that has run.
struct Ran {
    span: (Nanos, Nanos),
    executions: Vec<Execution>,
    status: std::process::ExitStatus,
}

/// A meter that runs.
struct Running {
    scope: Scope,
    with_processor: Vec<String>,
    sampler: Sampler,
}

impl Observed {
    /// Whether the command ended well every time.
    pub(super) fn succeeded(&self) -> bool {
        self.status.success()
    }
}

impl Observer<'_> {
    /// Runs the command without measuring it.
    ///
    /// # Errors
    /// It cannot be started, or it fails.
    pub(super) fn warm_up(&self, launch: &Launch) -> anyhow::Result<()> {
        if self.interrupt.came().is_some() {
            return Ok(());
        }
        let status = self.execute(launch, &[], Seconds(0.0))?.status;
        if !status.success() && self.interrupt.came().is_none() {
            anyhow::bail!("{} failed in its warm-up: {status}", launch.written());
        }
        Ok(())
    }

    /// Runs the command and measures it; `None` when a signal came before it was started.
    ///
    /// # Errors
    /// It cannot be started, or a meter has gone.
    pub(super) fn observe(&self, launch: &Launch, round: u32) -> anyhow::Result<Option<Observed>> {
        let opened = meters::open(self.args)?;
        let sensor = opened.iter().any(Opened::is_sensor);
        let running = opened.into_iter().map(|opened| self.start(opened)).collect::<anyhow::Result<Vec<_>>>()?;
        let begun = clock::now();
        if sensor && self.interrupt.pause(self.args.idle_s) {
            return Ok(None);
        }
        let idle = (begun, clock::now());
        for Running { sampler, .. } in &running {
            sampler.mark();
            if !self.also.is_empty() {
                sampler.watch_also(self.also.clone());
            }
        }
        let repeats = sensor && !self.args.no_repeat && !self.args.stdin;
        let ran = self.execute(launch, &running, if repeats { LONG_ENOUGH } else { Seconds(0.0) })?;
        Ok(Some(self.judge(round, ran, running, idle)))
    }

    fn start(&self, opened: Opened) -> anyhow::Result<Running> {
        let interval = Duration::from_millis(u64::from(self.args.interval_ms));
        let with_processor = match &opened.metering {
            Metering::By(meter) => meter.nature().with_processor,
            Metering::Absent(_) => Vec::new(),
        };
        let sampler = Sampler::start(opened.metering, &Places::system(), interval)?;
        Ok(Running { scope: opened.scope, with_processor, sampler })
    }

    /// Executes the command, once and then until the window is long enough, all in one process group.
    fn execute(&self, launch: &Launch, running: &[Running], least: Seconds) -> anyhow::Result<Ran> {
        let cannot = |source| campaign::Error::Spawn { program: launch.program(), source };
        let leader = GroupChild::spawn(&mut launch.command(self.streams())?).map_err(cannot)?;
        self.interrupt.guard(&leader);
        for Running { sampler, .. } in running {
            sampler.watch_since(ProcessGroup { pgid: leader.group() }, leader.spawned());
        }
        let start = leader.spawned();
        let mut end = leader.wait_end();
        let first = end.since(start);
        // What it left running is no part of the next execution.
        leader.signal(Signal::KILL);
        let mut status = None;
        let mut executions = Vec::new();
        // The leader is not reaped before the last one has ended: its group must stay.
        let mut goes_on = leader.succeeded();
        while goes_on && end.since(start) < least && self.interrupt.came().is_none() {
            let child = GroupChild::spawn_beside(&mut launch.command(self.streams())?, &leader).map_err(cannot)?;
            let spawned = child.spawned();
            let reaped = child.reap().context("waiting for the command")?;
            end = reaped.ended;
            executions.push(Execution { time: end.since(spawned), account: reaped.account });
            goes_on = reaped.status.success();
            status = Some(reaped.status);
        }
        self.interrupt.release();
        let reaped = leader.reap().context("waiting for the command")?;
        executions.insert(0, Execution { time: first, account: reaped.account });
        Ok(Ran { span: (start, end), executions, status: status.unwrap_or(reaped.status) })
    }

    fn streams(&self) -> Streams {
        let stdout = match (self.args.no_output, self.args.json) {
            (true, _) => Stdout::Discarded,
            (false, true) => Stdout::Stderr,
            (false, false) => Stdout::Through,
        };
        Streams { stdin: self.args.stdin, stdout }
    }

    fn judge(&self, round: u32, ran: Ran, running: Vec<Running>, idle: (Nanos, Nanos)) -> Observed {
        let (start, end) = ran.span;
        let cpu = ran.executions.iter().map(|execution| execution.account.cpu()).sum();
        let no_idle = || ::meter::Idle::missing("idle power was not measured: --idle-s is 0");
        let ended = running.into_iter().map(|running| (running.scope, running.with_processor, running.sampler.stop_ended(cpu, end)));
        let traces: Vec<(Scope, Vec<String>, Trace)> = ended.collect();
        let sources = traces.iter().map(|(scope, with_processor, trace)| {
            let idle = if self.args.idle_s > 0.0 { trace.idle(idle.0, idle.1) } else { no_idle() };
            Source {
                scope: *scope,
                with_processor: with_processor.clone(),
                window: trace.window("command", start, end, &idle),
                power: trace.power(),
            }
        });
        let known = |memory: Reading<Bytes>| memory.known().ok().copied().filter(|bytes| *bytes > Bytes(0));
        let resident = traces.iter().filter_map(|(.., trace)| known(trace.memory().resident)).max();
        let gpu = traces.iter().find(|(.., trace)| trace.memory().gpu.known().is_ok()).or(traces.first());
        Observed {
            round,
            span: ran.span,
            status: ran.status,
            resident: peak(resident, &ran.executions),
            gpu_memory: gpu.map_or_else(|| Reading::missing("no GPU was metered"), |(.., trace)| trace.memory().gpu),
            sources: sources.collect(),
            executions: ran.executions,
        }
    }
}

/// The larger of what was sampled and what the kernel tells of the largest process. The kernel's figure counts from the moment at
/// which the child was still a copy of us, so it says something only above our own.
fn peak(sampled: Option<Bytes>, executions: &[Execution]) -> Reading<Bytes> {
    let own = own_peak();
    let told = executions.iter().map(|execution| execution.account.max_resident).max();
    match sampled.max(told.filter(|told| *told > own)) {
        Some(bytes) => Reading::Known(bytes),
        None => Reading::missing(format!("the command ended before it could be sampled; it is under {:.0} MB", own.get() as f64 / 1e6)),
    }
}

/// Our own peak resident memory, which a new process is told to have had.
fn own_peak() -> Bytes {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    // Where it is not told nothing can be said of the kernel's figure either.
    Bytes(kib.map_or(u64::MAX, |kib| kib * 1024))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn ran(script: &str, least: f64) -> Ran {
        let Line { args } = Line::parse_from(["meter", "--no-output", "--", "true"]);
        let interrupt = Interrupt::deaf();
        let observer = Observer { args: &args, also: Vec::new(), interrupt: &interrupt };
        observer.execute(&Launch::parse(script).unwrap(), &[], Seconds(least)).unwrap()
    }

    #[test]
    fn a_short_command_is_repeated_until_the_window_is_long_enough() {
        let ran = ran("sh -c 'exit 0'", 0.1);
        let in_executions: Seconds = ran.executions.iter().map(|execution| execution.time).sum();
        assert!(ran.executions.len() > 1 && ran.status.success());
        assert!(ran.span.1.since(ran.span.0) >= Seconds(0.1) && in_executions <= ran.span.1.since(ran.span.0));
        assert!(ran.executions.iter().all(|execution| execution.account.cpu() > Seconds(0.0)));
    }

    #[test]
    fn what_one_execution_leaves_running_is_no_part_of_the_next() {
        let folder = tempfile::tempdir().unwrap();
        // The first leaves a process; the second fails if that lives.
        let script = format!(
            "sh -c 'cd {}; if [ -e left ]; then sleep 0.02; ! grep -q \" [SR] \" /proc/$(cat left)/stat; else sleep 60 & echo $! > left; fi'",
            folder.path().display()
        );
        let ran = ran(&script, 0.02);
        assert!(ran.executions.len() > 1 && ran.status.success());
    }

    #[test]
    fn a_command_that_fails_is_not_repeated() {
        let ran = ran("sh -c 'exit 3'", 60.0);
        assert_eq!((ran.executions.len(), ran.status.code()), (1, Some(3)));
    }

    #[test]
    fn the_kernels_peak_counts_only_above_our_own() {
        let told = |bytes: u64| {
            let account = Account { user: Seconds(0.0), system: Seconds(0.0), max_resident: Bytes(bytes) };
            vec![Execution { time: Seconds(1.0), account }]
        };
        assert!(peak(None, &told(1)).known().is_err());
        assert_eq!(peak(Some(Bytes(7)), &told(1)), Reading::Known(Bytes(7)));
        assert_eq!(peak(Some(Bytes(7)), &told(1 << 50)), Reading::Known(Bytes(1 << 50)));
    }
}
