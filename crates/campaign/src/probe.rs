//! Small questions to a server that is not being measured: is it ready, what do its metrics say.

use std::time::Duration;

use record::clock;
use units::{Missing, Nanos};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pause between two looks at a server that is not ready.
const PAUSE: Duration = Duration::from_millis(2);
/// A metrics page is text of some kilobytes; a server that sends more is not believed.
const PAGE_LIMIT: u64 = 4 << 20;

/// A server's base address, such as `http://127.0.0.1:8000`.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    agent: ureq::Agent,
    base: String,
}

impl Server {
    pub(crate) fn new(base: String) -> Self {
        let agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).proxy(None).build().into();
        Self { agent, base }
    }

    /// Whether a path answers 200 now.
    pub(crate) fn ready(&self, path: &str) -> bool {
        self.agent.get(format!("{}{path}", self.base)).call().is_ok()
    }

    /// The instant at which `path` first answered 200; `None` when `alive` says no before that, or at the deadline.
    pub(crate) fn wait_ready(&self, path: &str, deadline: Nanos, mut alive: impl FnMut() -> bool) -> Option<Nanos> {
        loop {
            if self.ready(path) {
                return Some(clock::now());
            }
            if clock::now() > deadline || !alive() {
                return None;
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// A metrics page, or why there is none.
    ///
    /// # Errors
    /// Nothing answers there, or what answers is no page.
    pub(crate) fn page(&self, path: &str) -> Result<String, Missing> {
        let read = self.agent.get(format!("{}{path}", self.base)).call();
        let read = read.and_then(|mut answer| answer.body_mut().with_config().limit(PAGE_LIMIT).read_to_string());
        read.map_err(|error| Missing::because(format!("{path} could not be read: {error}")))
    }

    /// A JSON document, or why there is none.
    ///
    /// # Errors
    /// As [`Server::page`], and where it is no JSON.
    pub(crate) fn json(&self, path: &str) -> Result<serde_json::Value, Missing> {
        serde_json::from_str(&self.page(path)?).map_err(|error| Missing::because(format!("{path} is no JSON: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_a_reason() {
        let server = Server::new("http://127.0.0.1:1".to_owned());
        assert!(server.page("/metrics").unwrap_err().0.starts_with("/metrics could not be read: "));
        assert!(server.json("/slots").unwrap_err().0.starts_with("/slots could not be read: "));
    }
}
