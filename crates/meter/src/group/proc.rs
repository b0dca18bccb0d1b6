//! One process's files under `/proc`, parsed. A process may end at any moment: what cannot be read is `None`, never an error.
//! Fields as in proc(5).

use std::{collections::HashMap, fs, path::Path};

/// What of `/proc/<pid>/stat` is of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) state: u8,
    pub(super) parent: u32,
    pub(super) pgrp: u32,
    /// User and system time together, in user ticks.
    pub(super) ticks: u64,
    pub(super) threads: u32,
    /// Start time since boot, which with the id names the process.
    pub(super) start: u64,
    pub(super) resident_pages: u64,
}

/// Reads a process.
pub(super) fn stat(proc: &Path, pid: u32) -> Option<Stat> {
    parse_stat(&fs::read(proc.join(pid.to_string()).join("stat")).ok()?)
}

/// The name is in brackets and may hold anything, so fields are counted from the last bracket on.
fn parse_stat(bytes: &[u8]) -> Option<Stat> {
    let after = bytes.iter().rposition(|&byte| byte == b')')? + 1;
    let fields: Vec<&str> = std::str::from_utf8(&bytes[after..]).ok()?.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(Stat {
        state: *fields.first()?.as_bytes().first()?,
        parent: number(1)? as u32,
        pgrp: number(2)? as u32,
        ticks: number(11)?.saturating_add(number(12)?),
        threads: number(17)? as u32,
        start: number(19)?,
        resident_pages: number(21)?,
    })
}

/// The threads of a process.
pub(super) struct Threads {
    /// CPU time in seconds by thread id.
    pub(super) times: HashMap<u32, f64>,
    /// How many are running, or waiting to.
    pub(super) running: f64,
}

/// Reads every thread's own time; `None` when the kernel keeps none.
pub(super) fn thread_times(proc: &Path, pid: u32) -> Option<Threads> {
    let mut threads = Threads { times: HashMap::new(), running: 0.0 };
    for entry in fs::read_dir(proc.join(pid.to_string()).join("task")).ok()?.flatten() {
        let Some(thread) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let task = entry.path();
        let Some(ns) = schedstat(&task) else { continue };
        threads.times.insert(thread, ns as f64 / 1e9);
        if fs::read(task.join("stat")).ok().and_then(|bytes| parse_stat(&bytes)).is_some_and(|stat| stat.state == b'R') {
            threads.running += 1.0;
        }
    }
    (!threads.times.is_empty()).then_some(threads)
}

fn schedstat(task: &Path) -> Option<u64> {
    fs::read_to_string(task.join("schedstat")).ok()?.split_ascii_whitespace().next()?.parse().ok()
}

/// `VmHWM` of `/proc/<pid>/status`, in bytes: the kernel's own peak, which no sampling misses.
pub(super) fn high_water(proc: &Path, pid: u32) -> Option<u64> {
    let status = fs::read_to_string(proc.join(pid.to_string()).join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_ascii_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_is_skipped() {
        let line = b"42 (a b) 1) c) R 1 7 1 0 -1 0 0 0 0 0 30 12 5 6 20 0 3 0 99 1000 8 0 0";
        assert_eq!(parse_stat(line), Some(Stat { state: b'R', parent: 1, pgrp: 7, ticks: 42, threads: 3, start: 99, resident_pages: 8 }));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_stat(&bytes);
        }
    }
}
