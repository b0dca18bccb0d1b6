//! Small questions to a server that is not being measured: is it ready, what do its metrics say.

use std::time::Duration;

use record::clock;
use units::Nanos;

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

    /// A metrics page.
    pub(crate) fn page(&self, path: &str) -> Page {
        Page(self.text(path).unwrap_or_default())
    }

    /// A JSON document.
    pub(crate) fn json(&self, path: &str) -> Option<serde_json::Value> {
        serde_json::from_str(&self.text(path)?).ok()
    }

    fn text(&self, path: &str) -> Option<String> {
        let answer = self.agent.get(format!("{}{path}", self.base)).call();
        answer.and_then(|mut answer| answer.body_mut().with_config().limit(PAGE_LIMIT).read_to_string()).ok()
    }
}

/// A metrics page in the Prometheus text format.
pub(crate) struct Page(String);

impl Page {
    /// The sum of a series over its labels; `None` where it is absent or no number.
    pub(crate) fn sum(&self, name: &str) -> Option<f64> {
        let mut total = None;
        for (_, value) in self.lines(name) {
            let value: f64 = value.split_whitespace().next()?.parse().ok()?;
            total = Some(total.unwrap_or(0.0) + value);
        }
        total.filter(|value: &f64| value.is_finite() && *value >= 0.0)
    }

    /// A label of a series, where it is a number.
    pub(crate) fn label(&self, name: &str, label: &str) -> Option<f64> {
        let start = format!("{label}=\"");
        let (labels, _) = self.lines(name).next()?;
        let value = labels.split(',').find_map(|pair| pair.trim().strip_prefix(&start))?;
        value.split('"').next()?.parse().ok().filter(|value: &f64| value.is_finite())
    }

    /// Labels and value of every line of a series.
    fn lines<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.lines().filter_map(move |line| {
            let rest = line.strip_prefix(name)?;
            match rest.strip_prefix('{') {
                Some(labelled) => labelled.rsplit_once('}'),
                None => rest.starts_with(' ').then_some(("", rest)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_is_found_by_its_whole_name() {
        let page = "# HELP w bytes\nweights_total 9\nweights 5\nweights_other{a=\"1\"} 7\nlabelled{a=\"}\"} 2\nlabelled{a=\"y\"} 3 1700\nbad NaN\n";
        let page = Page(page.to_owned());
        assert_eq!(page.sum("weights"), Some(5.0));
        assert_eq!(page.sum("labelled"), Some(5.0));
        assert_eq!(page.sum("absent"), None);
        assert_eq!(page.sum("bad"), None);
    }

    #[test]
    fn a_label_is_a_number_or_nothing() {
        let page = Page("info{block_size=\"16\",num_gpu_blocks=\"8192\",dtype=\"auto\"} 1.0\n".to_owned());
        assert_eq!(page.label("info", "num_gpu_blocks"), Some(8192.0));
        assert_eq!(page.label("info", "block_size"), Some(16.0));
        assert_eq!(page.label("info", "dtype"), None);
        assert_eq!(page.label("info", "absent"), None);
        assert_eq!(page.label("other", "block_size"), None);
    }
}
