//! The sampler over this machine's own `/proc`, with a meter that replays.

use std::{
    io::Read,
    os::unix::process::CommandExt,
    process::{Command, Stdio},
    sync::mpsc::{Sender, channel},
    time::Duration,
};

use meter::{Basis, DeviceReading, Effort, Idle, Meter, Metering, Places, ProcessGroup, Sampler, measure_idle};
use record::{Verdict, clock};
use units::{Bytes, Missing, Reading, Seconds, Watts};

/// A package whose counter rises by one joule a read.
struct Replay(u64);

impl Meter for Replay {
    fn basis(&self) -> Basis {
        Basis::Packages
    }

    fn read(&mut self, _effort: Effort, _stage: &[u32]) -> Vec<DeviceReading> {
        self.0 += 1_000_000;
        vec![DeviceReading { counter_uj: Some(self.0), ..DeviceReading::at(0, clock::now()) }]
    }
}

/// A period longer than any test, so that only orders are sampled.
const NEVER: Duration = Duration::from_secs(3600);

fn absent() -> Metering {
    Metering::Absent(Missing::because("none asked for"))
}

/// Tells which processes of the stage it was handed.
struct Tell(Sender<Vec<u32>>);

impl Meter for Tell {
    fn basis(&self) -> Basis {
        Basis::CpuTime { w_per_core: Watts(8.0) }
    }

    fn read(&mut self, _effort: Effort, stage: &[u32]) -> Vec<DeviceReading> {
        let _ = self.0.send(stage.to_vec());
        Vec::new()
    }
}

#[test]
fn a_real_process_group_is_followed_to_its_end() {
    let (tell, told) = channel();
    let sampler = Sampler::start(Metering::By(Box::new(Tell(tell))), &Places::system(), Duration::from_millis(5)).unwrap();
    let start = clock::now();
    let mut shell = Command::new("sh");
    shell.args(["-c", "echo; read x"]).process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    // A program that is being loaded holds next to no memory yet.
    child.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
    sampler.watch(ProcessGroup { pgid: child.id() });
    while told.recv().unwrap() != [child.id()] {}
    drop(child.stdin.take());
    child.wait().unwrap();
    let end = clock::now();
    let trace = sampler.stop(Some(Seconds(0.25)));
    let window = trace.window("stage", start, end, &Idle::missing("none asked for"));
    assert!(window.samples >= 1 && window.coverage == Some(1.0), "{window:?}");
    assert!(window.cpu_time.known().unwrap() <= &Seconds(0.25));
    assert!(trace.memory().resident.known().unwrap() > &Bytes(100_000));
    let all = trace.window("all", start, clock::now(), &Idle::missing("none asked for"));
    assert!(matches!(&all.verdict, Verdict::Invalid { code, .. } if code == "not_spanned"), "{all:?}");
}

#[test]
fn a_process_beside_the_group_counts_from_its_watch_on() {
    let (tell, told) = channel();
    let sampler = Sampler::start(Metering::By(Box::new(Tell(tell))), &Places::system(), NEVER).unwrap();
    let spawn = || Command::new("sh").args(["-c", "read x"]).process_group(0).stdin(Stdio::piped()).spawn().unwrap();
    let (mut stage, mut daemon) = (spawn(), spawn());
    sampler.watch(ProcessGroup { pgid: stage.id() });
    sampler.watch_also(vec![daemon.id()]);
    let start = clock::now();
    let mut both = vec![stage.id(), daemon.id()];
    both.sort_unstable();
    while told.recv().unwrap() != both {}
    drop((stage.stdin.take(), daemon.stdin.take()));
    stage.wait().unwrap();
    daemon.wait().unwrap();
    let end = clock::now();
    let trace = sampler.stop(Some(Seconds(0.25)));
    let cpu_time = *trace.window("stage", start, end, &Idle::missing("none asked for")).cpu_time.known().unwrap();
    assert!(cpu_time <= Seconds(0.3), "the daemon's past is not the stage's: {cpu_time:?}");
}

#[test]
fn a_mark_reads_at_once_whatever_the_period() {
    let sampler = Sampler::start(Metering::By(Box::new(Replay(0))), &Places::system(), NEVER).unwrap();
    sampler.watch(ProcessGroup { pgid: std::process::id() });
    sampler.mark();
    sampler.mark();
    let trace = sampler.stop(None);
    // Start, watch, two marks, stop: four steps of one joule between them.
    assert_eq!(trace.power().len(), 4);
}

#[test]
fn a_dropped_sampler_ends_its_thread() {
    let sampler = Sampler::start(absent(), &Places::system(), NEVER).unwrap();
    drop(sampler);
}

#[test]
fn idle_power_needs_a_device() {
    let idle = measure_idle(absent(), &Places::system(), NEVER, Duration::ZERO).unwrap();
    assert!(idle.0.known().is_err());
    let Idle(Reading::Known(idle)) =
        measure_idle(Metering::By(Box::new(Replay(0))), &Places::system(), Duration::from_millis(2), Duration::from_millis(10)).unwrap()
    else {
        panic!("it is missing")
    };
    assert!(idle[&0] > Watts(0.0));
}
