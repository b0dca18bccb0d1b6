//! `wait4`: reaps one child and tells what it used, to the microsecond. Neither the standard library nor the safe wrappers of
//! system calls offer it; `/proc/PID/stat` tells the same times in ticks of 10 ms.

use std::{io, mem::MaybeUninit, os::unix::process::ExitStatusExt, process::ExitStatus};

use nix::libc;
use rustix::process::Pid;
use units::{Bytes, Seconds};

use super::Account;

/// Waits for a child and reaps it.
pub(super) fn wait(pid: Pid) -> io::Result<(ExitStatus, Account)> {
    loop {
        match wait_once(pid) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            ended => return ended,
        }
    }
}

#[expect(unsafe_code, reason = "wait4 has no safe wrapper; both results are our own locals, read only when the call succeeded")]
fn wait_once(pid: Pid) -> io::Result<(ExitStatus, Account)> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to live locals of the types that the call fills.
    let waited = unsafe { libc::wait4(pid.as_raw_nonzero().get(), &raw mut status, 0, usage.as_mut_ptr()) };
    if waited < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a zeroed rusage is a valid one, and the call has filled it.
    let usage = unsafe { usage.assume_init() };
    let seconds = |time: libc::timeval| Seconds(time.tv_sec as f64 + time.tv_usec as f64 / 1e6);
    let account = Account {
        user: seconds(usage.ru_utime),
        system: seconds(usage.ru_stime),
        // Linux counts it in KiB.
        max_resident: Bytes(usage.ru_maxrss.unsigned_abs() * 1024),
    };
    Ok((ExitStatus::from_raw(status), account))
}
