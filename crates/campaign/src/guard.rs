//! Engines of others end with the campaign too, whatever ends it. A program that is not ours cannot be told to die with its parent, so a guard
//! does it: this program's hidden command `guard`, in a process group of its own, which waits on a pipe that only the campaign holds open. When
//! the pipe closes, by `kill -9` too, the guard kills the engine's group and everything that descends from it.
//!
//! The guard is neither parent nor child of the engine, is no part of what is metered, and costs the engine's start nothing. An engine is
//! unguarded only for the microseconds between its spawn and the guard's being told of it.

use std::{
    fs,
    io::{self, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

/// How many times descendants are looked for: those that were being born while others were stopped are found the next time.
const ROUNDS: usize = 10;

/// A guard that waits. Dropping it in good order lets the engine's group alone.
#[derive(Debug)]
pub(crate) struct Guard {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Guard {
    /// Starts one; it watches nothing yet.
    pub(crate) fn start(program: &Path) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg("guard")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let pipe = child.stdin.take();
        Ok(Self { child, pipe })
    }

    /// From now on the group ends when we do.
    pub(crate) fn watch(&mut self, group: u32) -> io::Result<()> {
        match &mut self.pipe {
            Some(pipe) => writeln!(pipe, "{group}"),
            None => Ok(()),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // The number may belong to others by now.
        let _ = self.watch(0);
        self.pipe = None;
        let _ = self.child.wait();
    }
}

/// What the guard's process does: reads groups from `input` until it ends, and kills the last one, unless that is 0.
///
/// # Errors
/// `input` cannot be read.
pub fn guard(input: impl io::BufRead) -> io::Result<()> {
    let mut group = 0;
    for line in input.lines() {
        group = line?.trim().parse().unwrap_or(0);
    }
    if group > 1 {
        kill_everything(group);
    }
    Ok(())
}

/// Kills a process group and all descendants of its members, also those that went into groups of their own. They are stopped before any is
/// killed: what is stopped bears no children, and an orphan no longer tells whose it was.
pub(crate) fn kill_everything(group: u32) {
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        let now = descendants(group);
        if now.iter().all(|pid| found.contains(pid)) {
            break;
        }
        send(&now, Signal::STOP);
        found = now;
    }
    send(&found, Signal::KILL);
}

fn send(pids: &[i32], signal: Signal) {
    for pid in pids.iter().filter_map(|pid| Pid::from_raw(*pid)) {
        let _ = kill_process(pid, signal);
    }
}

/// Processes that live, and are in the group or descend from one that is.
fn descendants(group: u32) -> Vec<i32> {
    let mut processes: Vec<_> = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| process(&entry.path())).collect();
    let mut found: Vec<i32> = Vec::new();
    loop {
        let (new, rest): (Vec<_>, Vec<_>) =
            processes.into_iter().partition(|process| process.group == i64::from(group) || found.contains(&process.parent));
        if new.is_empty() {
            return found;
        }
        found.extend(new.iter().map(|process| process.pid));
        processes = rest;
    }
}

struct Process {
    pid: i32,
    parent: i32,
    group: i64,
}

/// `/proc/PID/stat`: pid (name) state parent group …; `None` for what has ended.
fn process(folder: &Path) -> Option<Process> {
    let pid = folder.file_name()?.to_str()?.parse().ok()?;
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    // The name may hold anything, parentheses too.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    if fields.next()? == "Z" {
        return None;
    }
    Some(Process { pid, parent: fields.next()?.parse().ok()?, group: fields.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::GroupChild;

    #[test]
    fn a_closed_pipe_kills_the_group_and_those_who_left_it() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "setsid sleep 600 & sleep 600 & wait"]);
        let child = GroupChild::spawn(&mut command).unwrap();
        while descendants(child.group()).len() < 3 {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let all = descendants(child.group());
        guard(format!("0\n{}\n", child.group()).as_bytes()).unwrap();
        child.wait_end();
        // The signal is sent; a process that is no child of ours is gone a moment later.
        let lives = |pid: &i32| process(&Path::new("/proc").join(pid.to_string())).is_some();
        for _ in 0..500 {
            if !all.iter().any(lives) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        panic!("some of {all:?} live");
    }

    #[test]
    fn a_guard_that_is_told_zero_kills_nothing() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "sleep 600"]);
        let child = GroupChild::spawn(&mut command).unwrap();
        guard(format!("{}\n0\n", child.group()).as_bytes()).unwrap();
        assert!(child.alive());
    }
}
