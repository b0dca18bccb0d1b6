//! Small questions to a server that is not being measured: is it ready, what do its metrics say.

use std::time::Duration;

use record::clock;
use units::{Bytes, Nanos, Reading};

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

    /// One gauge of the Prometheus page, in bytes.
    pub(crate) fn gauge_bytes(&self, name: Option<&str>) -> Reading<Bytes> {
        let Some(name) = name else { return Reading::missing("the engine does not tell this") };
        let page = self
            .agent
            .get(format!("{}/metrics", self.base))
            .call()
            .and_then(|mut answer| answer.body_mut().with_config().limit(PAGE_LIMIT).read_to_string());
        match page {
            Ok(page) => gauge(&page, name)
                .map_or_else(|| Reading::missing(format!("/metrics has no {name}")), |value| Reading::Known(Bytes(value as u64))),
            Err(error) => Reading::missing(format!("/metrics could not be read: {error}")),
        }
    }
}

/// The sum of a gauge over its labels; `None` where it is absent or no number.
fn gauge(page: &str, name: &str) -> Option<f64> {
    let mut total = None;
    for line in page.lines() {
        let Some(rest) = line.strip_prefix(name) else { continue };
        let value = match rest.strip_prefix('{') {
            Some(labels) => labels.rsplit_once('}').map(|(_, value)| value),
            None => rest.starts_with(' ').then_some(rest),
        };
        if let Some(value) = value {
            let value: f64 = value.split_whitespace().next()?.parse().ok()?;
            total = Some(total.unwrap_or(0.0) + value);
        }
    }
    total.filter(|value: &f64| value.is_finite() && *value >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_is_found_by_its_whole_name() {
        let page = "# HELP w bytes\nweights_total 9\nweights 5\nweights_other{a=\"1\"} 7\nlabelled{a=\"}\"} 2\nlabelled{a=\"y\"} 3 1700\n";
        assert_eq!(gauge(page, "weights"), Some(5.0));
        assert_eq!(gauge(page, "labelled"), Some(5.0));
        assert_eq!(gauge(page, "absent"), None);
        assert_eq!(gauge("weights NaN\n", "weights"), None);
    }
}
