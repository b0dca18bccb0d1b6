//! Ctrl-C and its kin: handed on to the command's whole process group; a second one kills it. No more runs are begun then.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::Duration,
};

use anyhow::Context;
use campaign::GroupChild;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::signal::unix::{SignalKind, signal};

/// What came, and to whom it is handed on.
#[derive(Clone, Debug)]
pub(super) struct Interrupt(Arc<(Mutex<State>, Condvar)>);

#[derive(Debug, Default)]
struct State {
    /// A group that has not been reaped, so that its id is nobody else's.
    group: Option<Pid>,
    came: Option<Signal>,
}

impl Interrupt {
    /// Listens from now on.
    pub(super) fn listen() -> anyhow::Result<Self> {
        let interrupt = Self(Arc::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("listening for signals")?;
        let (mut int, mut term, mut hup) = {
            let _inside = runtime.enter();
            let listen = |kind| signal(kind).context("listening for signals");
            (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?, listen(SignalKind::hangup())?)
        };
        let told = interrupt.clone();
        std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    loop {
                        let came = tokio::select! {
                            Some(()) = int.recv() => Signal::INT,
                            Some(()) = term.recv() => Signal::TERM,
                            Some(()) = hup.recv() => Signal::HUP,
                            else => return,
                        };
                        told.take(came);
                    }
                });
            })
            .context("starting a thread")?;
        Ok(interrupt)
    }

    /// Hears nothing.
    #[cfg(test)]
    pub(super) fn deaf() -> Self {
        Self(Arc::default())
    }

    /// The signal that came first, if one did.
    pub(super) fn came(&self) -> Option<Signal> {
        self.state().came
    }

    /// From now on signals go to this child's group too; one that came before goes there at once.
    pub(super) fn guard(&self, leader: &GroupChild) {
        let mut state = self.state();
        state.group = Pid::from_raw(leader.group().cast_signed());
        if let Some(came) = state.came {
            leader.signal(came);
        }
    }

    /// The group is about to be reaped.
    pub(super) fn release(&self) {
        self.state().group = None;
    }

    /// Sleeps, and tells whether a signal ended that.
    pub(super) fn pause(&self, seconds: f64) -> bool {
        let waiting = self.0.1.wait_timeout_while(self.state(), Duration::from_secs_f64(seconds), |state| state.came.is_none());
        waiting.map_or(true, |(state, _)| state.came.is_some())
    }

    fn take(&self, came: Signal) {
        let mut state = self.state();
        let again = state.came.is_some();
        state.came.get_or_insert(came);
        if let Some(group) = state.group {
            // A group that is gone already is what was wanted.
            let _ = kill_process_group(group, if again { Signal::KILL } else { came });
        }
        self.0.1.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_ends_a_pause_and_is_remembered() {
        let interrupt = Interrupt::deaf();
        assert!(!interrupt.pause(0.0));
        interrupt.take(Signal::TERM);
        interrupt.take(Signal::INT);
        assert!(interrupt.pause(60.0));
        assert_eq!(interrupt.came(), Some(Signal::TERM));
    }
}
