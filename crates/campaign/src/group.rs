//! A child process in a process group of its own: spawned, watched, ended with all that it started, and reaped with the
//! kernel's own account of it. It knows nothing of what the child writes, nor of energy.

use std::{
    io,
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus},
};

use record::clock;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use units::{Bytes, Nanos, Seconds};

mod account;

/// A running child. Dropping it kills its whole process group.
#[derive(Debug)]
pub struct GroupChild {
    child: Child,
    pid: Pid,
    group: Pid,
    spawned: Nanos,
    reaped: bool,
}

/// What the kernel tells of a child that has ended and of the descendants that were waited for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Account {
    /// CPU time in the child's own code.
    pub user: Seconds,
    /// CPU time in the kernel on its behalf.
    pub system: Seconds,
    /// The largest resident memory of any one of them. The kernel counts the moment before the program was loaded too, when the
    /// child was a copy of its parent: a figure at or below the parent's own tells nothing.
    pub max_resident: Bytes,
}

impl Account {
    /// User and system time together.
    pub fn cpu(self) -> Seconds {
        self.user + self.system
    }
}

/// How a child ended.
#[derive(Clone, Copy, Debug)]
pub struct Reaped {
    /// Exit status as the kernel told it.
    pub status: ExitStatus,
    /// The instant at which its end was noticed.
    pub ended: Nanos,
    /// What it used.
    pub account: Account,
}

impl GroupChild {
    /// Spawns it as the leader of a new process group.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        Self::start(command.process_group(0), None)
    }

    /// Spawns it into the group of a leader that has not been reaped, ended or not: many short commands are then one group.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn spawn_beside(command: &mut Command, leader: &Self) -> io::Result<Self> {
        Self::start(command.process_group(leader.group.as_raw_nonzero().get()), Some(leader.group))
    }

    fn start(command: &mut Command, group: Option<Pid>) -> io::Result<Self> {
        let spawned = clock::now();
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        Ok(Self { child, pid, group: group.unwrap_or(pid), spawned, reaped: false })
    }

    /// Its standard streams, where they were piped.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The process group's id, for the meter.
    pub fn group(&self) -> u32 {
        self.group.as_raw_nonzero().get().unsigned_abs()
    }

    /// The instant just before the spawn.
    pub fn spawned(&self) -> Nanos {
        self.spawned
    }

    /// Whether it has not ended yet.
    pub fn alive(&self) -> bool {
        let looking = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        matches!(waitid(WaitId::Pid(self.pid), looking), Ok(None))
    }

    /// Whether it has ended, and well. It stays unreaped.
    pub fn succeeded(&self) -> bool {
        let looking = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        matches!(waitid(WaitId::Pid(self.pid), looking), Ok(Some(status)) if status.exit_status() == Some(0))
    }

    /// Sends a signal to the whole group. A group that is already gone is no error.
    pub fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.group, signal);
    }

    /// Waits for its end and tells the instant. It stays unreaped, and so its group stays.
    pub fn wait_end(&self) -> Nanos {
        while let Err(rustix::io::Errno::INTR) = waitid(WaitId::Pid(self.pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {}
        clock::now()
    }

    /// Waits for its end and reaps it. Whatever it left behind in its group goes with it.
    ///
    /// # Errors
    /// The kernel does not tell of the process.
    pub fn reap(mut self) -> io::Result<Reaped> {
        let ended = self.wait_end();
        // Before it is reaped: after that the group's number may be somebody else's.
        self.signal(Signal::KILL);
        let (status, account) = account::wait(self.pid)?;
        self.reaped = true;
        Ok(Reaped { status, ended, account })
    }
}

impl Drop for GroupChild {
    fn drop(&mut self) {
        if !self.reaped {
            self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_child_is_reaped_with_its_account() {
        let reaped = GroupChild::spawn(&mut sh("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; exit 3")).unwrap().reap().unwrap();
        assert_eq!(reaped.status.code(), Some(3));
        assert!(reaped.account.cpu() > Seconds(0.0) && reaped.account.max_resident > Bytes(0));
    }

    #[test]
    fn many_children_are_one_group_while_the_leader_is_not_reaped() {
        let leader = GroupChild::spawn(&mut sh("exit 0")).unwrap();
        leader.wait_end();
        let second = GroupChild::spawn_beside(&mut sh("sleep 60"), &leader).unwrap();
        assert_eq!(second.group(), leader.group());
        assert!(second.alive() && !second.succeeded() && !leader.alive() && leader.succeeded());
        leader.signal(Signal::TERM);
        assert_eq!(second.reap().unwrap().status.signal(), Some(15));
        assert!(leader.reap().unwrap().status.success());
    }

    #[test]
    fn a_missing_program_is_told() {
        let error = GroupChild::spawn(&mut Command::new("/nonexistent/program")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
