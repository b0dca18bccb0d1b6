//! What an engine holds while it is under load: a thin thread asks its metrics page about once a second and keeps the highest of each gauge.
//! It is a thread of its own, so that the client's is never touched; what happens between two looks it does not see.

use std::{
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::JoinHandle,
    time::Duration,
};

use serde_json::{Map, Value};
use serve::launch::Tells;

use crate::{probe::Server, told::Told};

/// The first look comes early, so that a short window has one.
const FIRST: Duration = Duration::from_millis(100);
/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// The highest values that were seen; `None` of what the engine does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Peaks {
    kv_used: Option<f64>,
    running: Option<f64>,
    waiting: Option<f64>,
}

impl Peaks {
    /// The higher of each.
    pub(crate) fn or_higher(self, other: Self) -> Self {
        let higher = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::max);
        Self {
            kv_used: higher(self.kv_used, other.kv_used),
            running: higher(self.running, other.running),
            waiting: higher(self.waiting, other.waiting),
        }
    }

    /// By the names that records use.
    pub(crate) fn facts(self) -> Map<String, Value> {
        let all = [("kv_used_peak_bytes", self.kv_used), ("running_peak", self.running), ("waiting_peak", self.waiting)];
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect()
    }

    fn now(told: &Told<'_>, tells: &Tells) -> Self {
        let look = |place| told.figure(place);
        Self { kv_used: look(tells.kv_used), running: look(tells.running), waiting: look(tells.waiting) }
    }
}

/// A thread that looks. Dropping it ends it.
pub(crate) struct Watch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<Peaks>>,
}

impl Watch {
    /// Begins to look, where the engine has a metrics page with a gauge to look at.
    pub(crate) fn start(tells: &Tells, server: &Server, log: PathBuf) -> Self {
        if tells.metrics.is_none() || [tells.kv_used, tells.running, tells.waiting].iter().all(Option::is_none) {
            return Self { stop: None, thread: None };
        }
        let (stop, stopped) = channel();
        let (tells, server) = (*tells, server.clone());
        let thread = std::thread::spawn(move || {
            let mut told = Told::read(&tells, &server, &log);
            look(&stopped, || {
                told.refresh();
                Peaks::now(&told, &tells)
            })
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }

    /// Ends it, and gives what was seen.
    pub(crate) fn stop(mut self) -> Peaks {
        self.end()
    }

    fn end(&mut self) -> Peaks {
        self.stop = None;
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
    }
}

/// Looks until the other end of the channel is dropped.
fn look(stopped: &Receiver<()>, mut now: impl FnMut() -> Peaks) -> Peaks {
    let mut peaks = Peaks::default();
    let mut pause = FIRST;
    while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        peaks = peaks.or_higher(now());
        pause = PAUSE;
    }
    peaks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peaks(kv_used: f64, running: f64) -> Peaks {
        Peaks { kv_used: Some(kv_used), running: Some(running), waiting: None }
    }

    #[test]
    fn the_highest_of_each_is_kept_and_what_is_not_told_has_no_name() {
        let both = peaks(5.0, 1.0).or_higher(peaks(3.0, 4.0)).or_higher(Peaks::default());
        assert_eq!(both, peaks(5.0, 4.0));
        assert_eq!(Value::from(both.facts()), serde_json::json!({"kv_used_peak_bytes": 5.0, "running_peak": 4.0}));
    }

    #[test]
    fn it_looks_until_it_is_told_to_stop() {
        let (sender, receiver) = channel();
        let mut sender = Some(sender);
        let seen = look(&receiver, || {
            sender = None;
            peaks(1.0, 2.0)
        });
        assert_eq!(seen, peaks(1.0, 2.0));
    }

    #[test]
    fn an_engine_without_gauges_is_not_asked() {
        let watch = Watch::start(&Tells::default(), &Server::new("http://127.0.0.1:1".to_owned()), PathBuf::new());
        assert!(watch.thread.is_none());
        assert_eq!(watch.stop(), Peaks::default());
    }
}
