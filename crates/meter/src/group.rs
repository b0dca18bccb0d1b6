//! The stage's process group as `/proc` shows it: who belongs to it, CPU time and memory.
//!
//! CPU time is that of the process's own CPU clock, exact to the instant, running threads and ended ones included. Where another
//! process's clock cannot be read it is the sum over threads of `schedstat` (nanoseconds) where that can be read, else `stat` (ticks of 10 ms). Those two
//! are floors: the kernel brings a running thread's time up to date at its own tick, so every reading carries the most that
//! it can lack ([`CpuTime::lag`]). Processes that have ended keep what was last seen of them. New
//! processes are looked for once a second and at the edges of windows. One that lives and ends in between is not seen; the kernel's own total, handed in at the end, holds it.
//!
//! Processes outside the group can be watched too, with their descendants: a daemon that works for the stage. What they used before
//! they were watched is not counted, and their memory peak is the sampled one, because the kernel's mark may be older.

mod proc;

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use rustix::time::{ClockId, clock_getres};
use units::{Bytes, Nanos, Seconds};

use proc::{Stat, stat, thread_times};

/// The processes of a stage: those whose process group this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessGroup {
    /// Process group id: the leader's process id.
    pub pgid: u32,
}

/// CPU time as a floor and the most that it lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct CpuTime {
    pub(crate) floor: Seconds,
    pub(crate) lag: Seconds,
}

/// What the kernel measures in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kernel {
    pub(crate) page: u64,
    /// Unit of the times in `stat`.
    pub(crate) user_tick: Seconds,
    /// How often a running thread's time is brought up to date.
    pub(crate) sched_tick: Seconds,
    /// Processors that a stage can use.
    pub(crate) cores: u32,
    /// The CPU clock of a process, in seconds; `None` where it cannot be read.
    pub(crate) clock: fn(u32) -> Option<f64>,
}

/// The CPU clock of a process now, by `clock_getcpuclockid`.
fn cpu_clock(pid: u32) -> Option<f64> {
    let clock = nix::time::clock_getcpuclockid(nix::unistd::Pid::from_raw(i32::try_from(pid).ok()?)).ok()?;
    let time = nix::time::clock_gettime(clock).ok()?;
    Some(time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9)
}

impl Kernel {
    pub(crate) fn system() -> Self {
        // The coarse clock advances at the scheduler's tick, so its resolution is the tick.
        let coarse = clock_getres(ClockId::MonotonicCoarse);
        let affinity = rustix::thread::sched_getaffinity(None).map_or(1, |set| set.count());
        Self {
            page: rustix::param::page_size() as u64,
            user_tick: Seconds(1.0 / rustix::param::clock_ticks_per_second() as f64),
            sched_tick: Seconds(coarse.tv_sec as f64 + coarse.tv_nsec as f64 / 1e9),
            cores: affinity.max(1),
            clock: cpu_clock,
        }
    }
}

/// A group at one instant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GroupSample {
    /// Living processes.
    pub(crate) pids: Vec<u32>,
    pub(crate) cpu: CpuTime,
    /// Resident memory summed over the living ones.
    pub(crate) resident: Bytes,
    /// The highest high-water mark that the kernel keeps for one of them.
    pub(crate) high_water: Bytes,
    /// Processes seen so far, the ended ones among them.
    pub(crate) ever: usize,
    /// The part of `cpu` that processes outside the group used.
    pub(crate) beside: CpuTime,
}

/// Which processes to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Those known to belong to the group.
    Members,
    /// All, to find new ones: listing them costs more than reading a few.
    Everyone,
}

/// Follows one group.
pub(crate) struct GroupReader {
    proc: PathBuf,
    kernel: Kernel,
    group: ProcessGroup,
    /// Processes outside the group that are to be taken in when they are next seen.
    wanted: Vec<u32>,
    members: HashMap<Identity, Member>,
    /// Processes known to belong to others: not looked at again until the next sweep.
    others: HashSet<u32>,
    until_sweep: u32,
}

/// A process id and its start time: ids are used again.
type Identity = (u32, u64);

#[derive(Default)]
struct Member {
    alive: bool,
    /// Outside the group, and what it had used when it was first watched.
    beside: Option<f64>,
    cpu_floor: f64,
    cpu_lag: f64,
    resident: u64,
    high_water: u64,
    seen: Nanos,
    thread_count: u32,
    threads: HashMap<u32, f64>,
    /// What threads that have ended were last seen with.
    ended_threads: f64,
    /// Threads have ended, or were too many to read, so the two above are not all of the time.
    incomplete: bool,
}

/// Searches after which processes of others are looked at again: an old id may have been given to a new process of the group.
const SWEEP: u32 = 8;

/// Most threads whose own times are read: reading hundreds would cost more than the precision is worth.
const MOST_THREADS: u32 = 32;

impl GroupReader {
    pub(crate) fn new(proc: PathBuf, kernel: Kernel, group: ProcessGroup) -> Self {
        Self { proc, kernel, group, wanted: Vec::new(), members: HashMap::new(), others: HashSet::new(), until_sweep: 0 }
    }

    /// Takes in processes outside the group, and their descendants: at the next look at everyone, what they have used until then is
    /// set aside.
    pub(crate) fn also(&mut self, pids: &[u32]) {
        self.wanted.extend(pids);
        self.until_sweep = 0;
    }

    /// Reads the group; `at` is now.
    pub(crate) fn read(&mut self, at: Nanos, reach: Reach) -> GroupSample {
        let pids = match reach {
            Reach::Members => self.members.iter().filter(|(_, member)| member.alive).map(|((pid, _), _)| *pid).collect(),
            Reach::Everyone => self.candidates(),
        };
        let seen = pids.into_iter().filter_map(|pid| Some((pid, stat(&self.proc, pid)?))).collect();
        let wanted = if reach == Reach::Everyone { std::mem::take(&mut self.wanted) } else { Vec::new() };
        for (pid, stat) in self.own(seen, &wanted, !wanted.is_empty()) {
            let kernel = self.kernel;
            let Some(member) = self.members.get_mut(&(pid, stat.start)) else { continue };
            (member.alive, member.seen) = (true, at);
            member.read(&self.proc, pid, &stat, kernel);
        }
        for member in self.members.values_mut().filter(|member| member.alive && member.seen != at) {
            member.end(at, self.kernel);
        }
        self.sum()
    }

    /// Those of the processes that are members, new ones taken in; the rest is remembered as others'. With `first`, members outside the
    /// group that are new have used nothing yet as far as the stage is concerned.
    fn own(&mut self, seen: Vec<(u32, Stat)>, wanted: &[u32], first: bool) -> Vec<(u32, Stat)> {
        let (mut own, mut rest) = (Vec::new(), seen);
        // A child may be listed before its parent, so one pass may not find it.
        loop {
            let (found, left): (Vec<_>, Vec<_>) = rest.into_iter().partition(|(pid, stat)| self.is_own(*pid, stat, wanted));
            rest = left;
            if found.is_empty() {
                break;
            }
            for (pid, stat) in found {
                if !self.members.contains_key(&(pid, stat.start)) {
                    let before = if first { self.used(pid, &stat) } else { 0.0 };
                    let beside = (stat.pgrp != self.group.pgid).then_some(before);
                    self.members.insert((pid, stat.start), Member { alive: true, beside, ..Member::default() });
                }
                own.push((pid, stat));
            }
        }
        self.others.extend(rest.into_iter().map(|(pid, _)| pid));
        own
    }

    fn is_own(&self, pid: u32, stat: &Stat, wanted: &[u32]) -> bool {
        let of_daemon =
            || self.members.iter().any(|((parent, _), member)| *parent == stat.parent && member.alive && member.beside.is_some());
        stat.pgrp == self.group.pgid || self.members.contains_key(&(pid, stat.start)) || wanted.contains(&pid) || of_daemon()
    }

    /// CPU time of a process that is not a member yet.
    fn used(&self, pid: u32, stat: &Stat) -> f64 {
        let mut fresh = Member::default();
        fresh.read(&self.proc, pid, stat, self.kernel);
        fresh.cpu_floor
    }

    fn candidates(&mut self) -> Vec<u32> {
        if self.until_sweep == 0 {
            self.others.clear();
            self.until_sweep = SWEEP;
        }
        self.until_sweep -= 1;
        let Ok(entries) = std::fs::read_dir(&self.proc) else { return Vec::new() };
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| !self.others.contains(pid)).collect()
    }

    fn sum(&self) -> GroupSample {
        let living = || self.members.iter().filter(|(_, member)| member.alive);
        let mut pids: Vec<u32> = living().map(|((pid, _), _)| *pid).collect();
        pids.sort_unstable();
        GroupSample {
            pids,
            cpu: cpu(self.members.values()),
            resident: living().map(|(_, member)| Bytes(member.resident)).sum(),
            high_water: self.members.values().map(|member| Bytes(member.high_water)).max().unwrap_or_default(),
            ever: self.members.len(),
            beside: cpu(self.members.values().filter(|member| member.beside.is_some())),
        }
    }
}

fn cpu<'a>(members: impl Iterator<Item = &'a Member>) -> CpuTime {
    members.fold(CpuTime::default(), |sum, member| CpuTime { floor: sum.floor + member.used(), lag: sum.lag + Seconds(member.cpu_lag) })
}

impl Member {
    fn read(&mut self, proc: &Path, pid: u32, stat: &Stat, kernel: Kernel) {
        self.thread_count = stat.threads;
        self.resident = stat.resident_pages * kernel.page;
        let mark = if self.beside.is_none() { proc::high_water(proc, pid).unwrap_or(0) } else { 0 };
        self.high_water = self.high_water.max(mark).max(self.resident);
        match (kernel.clock)(pid) {
            Some(exact) => (self.cpu_floor, self.cpu_lag) = (self.cpu_floor.max(exact), 0.0),
            None => self.read_threads(proc, pid, stat, kernel),
        }
    }

    fn read_threads(&mut self, proc: &Path, pid: u32, stat: &Stat, kernel: Kernel) {
        let now = if stat.threads <= MOST_THREADS { thread_times(proc, pid) } else { None };
        self.incomplete |= now.is_none();
        let running = now.map_or(f64::from(stat.threads), |now| {
            self.take_threads(now.times);
            now.running
        });
        let ticks = stat.ticks as f64 * kernel.user_tick.get();
        let summed = self.threads.values().sum::<f64>() + self.ended_threads;
        self.cpu_floor = self.cpu_floor.max(ticks).max(summed);
        // A thread that is gone took what it used since it was last seen with it, but `stat` has that. There, user and system
        // time are each cut to whole ticks.
        let cut = if self.incomplete { ticks + 2.0 * kernel.user_tick.get() - self.cpu_floor } else { 0.0 };
        self.cpu_lag = running.min(f64::from(kernel.cores)) * kernel.sched_tick.get() + cut.max(0.0);
    }

    fn take_threads(&mut self, times: HashMap<u32, f64>) {
        for (_, last) in self.threads.extract_if(|thread, _| !times.contains_key(thread)) {
            self.ended_threads += last;
            self.incomplete = true;
        }
        self.threads.extend(times);
    }

    /// What it has used for the stage.
    fn used(&self) -> Seconds {
        Seconds((self.cpu_floor - self.beside.unwrap_or(0.0)).max(0.0))
    }

    /// It is gone since the last sample, and may have run on all its threads until just now.
    fn end(&mut self, at: Nanos, kernel: Kernel) {
        self.alive = false;
        self.cpu_lag += at.since(self.seen).get() * f64::from(self.thread_count.min(kernel.cores));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const KERNEL: Kernel = Kernel { page: 4096, user_tick: Seconds(0.01), sched_tick: Seconds(0.004), cores: 2, clock: |_| None };

    #[derive(Clone, Copy)]
    struct Process {
        pid: u32,
        pgrp: u32,
        ticks: u64,
        resident_pages: u64,
        /// Thread id, state, nanoseconds; empty where `schedstat` cannot be read.
        threads: &'static [(u32, char, u64)],
    }

    fn write(root: &Path, process: &Process) {
        write_child(root, process, 1);
    }

    fn write_child(root: &Path, process: &Process, parent: u32) {
        let Process { pid, pgrp, ticks, resident_pages, threads } = process;
        let folder = root.join(pid.to_string());
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("task")).unwrap();
        let count = threads.len().max(1);
        let line = |state: char| {
            format!("{pid} (a) b (c)) {state} {parent} {pgrp} 1 0 -1 0 0 0 0 0 {ticks} 0 9 9 20 0 {count} 0 77 1000 {resident_pages} 0 0")
        };
        fs::write(folder.join("stat"), line('S')).unwrap();
        fs::write(folder.join("status"), format!("Name:\ta\nVmHWM:\t   {} kB\n", resident_pages * 4 + 4)).unwrap();
        for (thread, state, ns) in *threads {
            let task = folder.join("task").join(thread.to_string());
            fs::create_dir(&task).unwrap();
            fs::write(task.join("schedstat"), format!("{ns} 5 6\n")).unwrap();
            fs::write(task.join("stat"), line(*state)).unwrap();
        }
    }

    fn reader(root: &Path) -> GroupReader {
        GroupReader::new(root.into(), KERNEL, ProcessGroup { pgid: 10 })
    }

    fn close(found: Seconds, expected: f64) {
        assert!((found.get() - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn only_the_group_is_summed() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("uptime"), "1 1").unwrap();
        write(root.path(), &Process { pid: 10, pgrp: 10, ticks: 3, resident_pages: 2, threads: &[(10, 'S', 30_500_000)] });
        write(root.path(), &Process { pid: 11, pgrp: 10, ticks: 1, resident_pages: 3, threads: &[(11, 'S', 10_000_000)] });
        write(root.path(), &Process { pid: 12, pgrp: 12, ticks: 99, resident_pages: 99, threads: &[] });
        let sample = reader(root.path()).read(Nanos(1), Reach::Everyone);
        assert_eq!((sample.pids, sample.resident, sample.ever), (vec![10, 11], Bytes(5 * 4096), 2));
        assert_eq!(sample.high_water, Bytes(4 * 4096));
        close(sample.cpu.floor, 0.0405);
        close(sample.cpu.lag, 0.0);
    }

    #[test]
    fn a_running_thread_may_lack_a_scheduler_tick() {
        let root = tempfile::tempdir().unwrap();
        let threads = &[(10, 'R', 1_000_000), (13, 'R', 1_000_000), (14, 'R', 1_000_000), (15, 'S', 1_000_000)];
        write(root.path(), &Process { pid: 10, pgrp: 10, ticks: 0, resident_pages: 1, threads });
        let cpu = reader(root.path()).read(Nanos(1), Reach::Everyone).cpu;
        close(cpu.floor, 0.004);
        // Three run, on two cores.
        close(cpu.lag, 0.008);
    }

    #[test]
    fn without_schedstat_the_ticks_are_taken_and_their_coarseness_told() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &Process { pid: 10, pgrp: 10, ticks: 5, resident_pages: 1, threads: &[] });
        let cpu = reader(root.path()).read(Nanos(1), Reach::Everyone).cpu;
        close(cpu.floor, 0.05);
        close(cpu.lag, 0.02 + 0.004);
    }

    #[test]
    fn what_an_ended_thread_or_process_used_is_kept() {
        let root = tempfile::tempdir().unwrap();
        write(
            root.path(),
            &Process { pid: 10, pgrp: 10, ticks: 2, resident_pages: 1, threads: &[(10, 'S', 7_000_000), (13, 'S', 14_000_000)] },
        );
        write(root.path(), &Process { pid: 11, pgrp: 10, ticks: 1, resident_pages: 50, threads: &[(11, 'S', 10_000_000)] });
        let mut reader = reader(root.path());
        close(reader.read(Nanos(1), Reach::Everyone).cpu.floor, 0.031);
        fs::remove_dir_all(root.path().join("11")).unwrap();
        write(root.path(), &Process { pid: 10, pgrp: 10, ticks: 2, resident_pages: 1, threads: &[(10, 'S', 8_000_000)] });
        let sample = reader.read(Nanos(3_000_001), Reach::Members);
        assert_eq!((sample.pids, sample.resident, sample.ever), (vec![10], Bytes(4096), 2));
        close(sample.cpu.floor, 0.032);
        // The thread's time is in the process's ticks, to two of them; the process may have run for the 3 ms since.
        close(sample.cpu.lag, (0.02 + 0.02 - 0.022) + 0.003);
        assert_eq!(sample.high_water, Bytes(51 * 4096));
    }

    #[test]
    fn new_processes_are_found_when_everyone_is_looked_at() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &Process { pid: 10, pgrp: 10, ticks: 0, resident_pages: 1, threads: &[(10, 'S', 5)] });
        let mut reader = reader(root.path());
        reader.read(Nanos(1), Reach::Everyone);
        write(root.path(), &Process { pid: 11, pgrp: 10, ticks: 0, resident_pages: 1, threads: &[(11, 'S', 5)] });
        assert_eq!(reader.read(Nanos(2), Reach::Members).pids, [10]);
        assert_eq!(reader.read(Nanos(3), Reach::Everyone).pids, [10, 11]);
        assert_eq!(reader.read(Nanos(4), Reach::Members).pids, [10, 11]);
    }

    #[test]
    fn an_id_given_to_a_new_process_is_another_process() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), &Process { pid: 10, pgrp: 10, ticks: 0, resident_pages: 1, threads: &[(10, 'S', 5_000_000)] });
        let mut reader = reader(root.path());
        reader.read(Nanos(1), Reach::Everyone);
        let stat = fs::read_to_string(root.path().join("10/stat")).unwrap();
        fs::write(root.path().join("10/stat"), stat.replace(" 77 ", " 78 ")).unwrap();
        let sample = reader.read(Nanos(2), Reach::Everyone);
        assert_eq!(sample.ever, 2);
        close(sample.cpu.floor, 0.01);
    }

    #[test]
    fn a_group_that_is_gone_or_a_missing_proc_is_empty() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(reader(root.path()).read(Nanos(1), Reach::Everyone).pids, [0; 0]);
        assert_eq!(reader(&root.path().join("none")).read(Nanos(1), Reach::Everyone).ever, 0);
    }

    #[test]
    fn a_daemon_and_its_descendants_count_from_the_moment_they_are_watched() {
        let root = tempfile::tempdir().unwrap();
        let process = |pid, ms: &'static [(u32, char, u64)]| Process { pid, pgrp: pid, ticks: 0, resident_pages: 5, threads: ms };
        write(root.path(), &Process { pgrp: 10, ..process(10, &[(10, 'S', 1_000_000)]) });
        write(root.path(), &process(50, &[(50, 'S', 900_000_000)]));
        // The child's id is the lower one: it is listed first.
        write_child(root.path(), &process(40, &[(40, 'S', 300_000_000)]), 50);
        write(root.path(), &process(60, &[(60, 'S', 5_000_000)]));
        let mut reader = reader(root.path());
        assert_eq!(reader.read(Nanos(1), Reach::Everyone).pids, [10]);
        reader.also(&[50, 999]);
        let sample = reader.read(Nanos(2), Reach::Everyone);
        assert_eq!((sample.pids, sample.ever), (vec![10, 40, 50], 3));
        close(sample.cpu.floor, 0.001);
        close(sample.beside.floor, 0.0);
        // The kernel's mark of the daemon is older than the watch.
        assert_eq!((sample.resident, sample.high_water), (Bytes(15 * 4096), Bytes(6 * 4096)));
        write(root.path(), &process(50, &[(50, 'S', 920_000_000)]));
        write_child(root.path(), &process(40, &[(40, 'S', 301_000_000)]), 50);
        write_child(root.path(), &process(41, &[(41, 'S', 7_000_000)]), 40);
        let sample = reader.read(Nanos(3), Reach::Everyone);
        assert_eq!(sample.pids, [10, 40, 41, 50]);
        close(sample.cpu.floor, 0.001 + 0.020 + 0.001 + 0.007);
        close(sample.beside.floor, 0.028);
    }

    #[test]
    fn a_watched_process_that_ends_keeps_what_it_used_since() {
        let root = tempfile::tempdir().unwrap();
        let daemon = Process { pid: 50, pgrp: 50, ticks: 0, resident_pages: 5, threads: &[(50, 'S', 900_000_000)] };
        write(root.path(), &daemon);
        let mut reader = reader(root.path());
        reader.also(&[50]);
        reader.read(Nanos(1), Reach::Everyone);
        write(root.path(), &Process { threads: &[(50, 'S', 950_000_000)], ..daemon });
        reader.read(Nanos(2), Reach::Members);
        fs::remove_dir_all(root.path().join("50")).unwrap();
        let sample = reader.read(Nanos(2), Reach::Members);
        close(sample.beside.floor, 0.05);
    }

    #[test]
    fn this_process_is_found_in_the_real_proc() {
        let own = stat(Path::new("/proc"), std::process::id()).unwrap();
        let mut reader = GroupReader::new("/proc".into(), Kernel::system(), ProcessGroup { pgid: own.pgrp });
        let sample = reader.read(Nanos(1), Reach::Everyone);
        assert!(sample.pids.contains(&std::process::id()) && sample.resident > Bytes(100_000));
        assert!(sample.high_water > Bytes(100_000) && sample.cpu.floor > Seconds(0.0));
    }
}
