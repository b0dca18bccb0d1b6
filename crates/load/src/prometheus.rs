//! A server's `/metrics` page in the Prometheus text format (version 0.0.4): read once with bounds, and figures looked up by name. Never
//! on the timed path.

use std::time::Duration;

use units::Missing;

use crate::{ApiKey, target::Target};

/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// A page is text of some kilobytes; a server that sends more is not believed.
const PAGE_LIMIT: u64 = 4 << 20;

/// The page of the server whose API is at `url`, or why there is none.
///
/// # Errors
/// The address is of no use, nothing answers there, or what answers is no page.
pub fn page(url: &str, api_key: Option<&ApiKey>) -> Result<String, Missing> {
    let target = Target::parse(url).map_err(|error| Missing::because(error.to_string()))?;
    if target.tls {
        return Err(Missing::because("/metrics is read over http only, and this server speaks https"));
    }
    let agent: ureq::Agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).proxy(None).max_redirects(0).build().into();
    let mut request = agent.get(format!("http://{}/metrics", target.authority));
    if let Some(key) = api_key {
        request = request.header("authorization", format!("Bearer {}", key.expose()));
    }
    let read = request.call().and_then(|mut answer| answer.body_mut().with_config().limit(PAGE_LIMIT).read_to_string());
    read.map_err(|error| Missing::because(format!("/metrics could not be read: {error}")))
}

/// The sum of a counter or gauge over its labels; `None` where it is absent or no finite number of at least 0.
pub fn sum(page: &str, name: &str) -> Option<f64> {
    let mut total = None;
    for (_, value) in lines(page, name) {
        let value: f64 = value.split_whitespace().next()?.parse().ok()?;
        total = Some(total.unwrap_or(0.0) + value);
    }
    total.filter(|value: &f64| value.is_finite() && *value >= 0.0)
}

/// A label of a series' first line; `None` where it is absent or no finite number.
pub fn label(page: &str, series: &str, label: &str) -> Option<f64> {
    let start = format!("{label}=\"");
    let (labels, _) = lines(page, series).next()?;
    let value = labels.split(',').find_map(|pair| pair.trim().strip_prefix(&start))?;
    value.split('"').next()?.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Labels and value of every line of a series.
fn lines<'a>(page: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    page.lines().filter_map(move |line| {
        let rest = line.strip_prefix(name)?;
        match rest.strip_prefix('{') {
            Some(labelled) => labelled.rsplit_once('}'),
            None => rest.starts_with(' ').then_some(("", rest)),
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_is_found_by_its_whole_name() {
        let page = "# HELP w bytes\nweights_total 9\nweights 5\nweights_other{a=\"1\"} 7\nlabelled{a=\"}\"} 2\nlabelled{a=\"y\"} 3 1700\n";
        assert_eq!(sum(page, "weights"), Some(5.0));
        assert_eq!(sum(page, "labelled"), Some(5.0));
        assert_eq!(sum(page, "absent"), None);
        assert_eq!(sum("weights NaN\n", "weights"), None);
    }

    #[test]
    fn a_label_is_a_number_or_nothing() {
        let page = "info{block_size=\"16\",num_gpu_blocks=\"8192\",dtype=\"auto\"} 1.0\n";
        assert_eq!(label(page, "info", "num_gpu_blocks"), Some(8192.0));
        assert_eq!(label(page, "info", "block_size"), Some(16.0));
        assert_eq!(label(page, "info", "dtype"), None);
        assert_eq!(label(page, "info", "absent"), None);
        assert_eq!(label(page, "other", "block_size"), None);
    }

    #[test]
    fn no_server_is_a_reason() {
        assert!(page("http://127.0.0.1:1", None).unwrap_err().0.starts_with("/metrics could not be read"));
        assert!(page("nonsense", None).is_err());
        assert!(page("https://localhost", None).unwrap_err().0.contains("https"));
    }

    proptest! {
        #[test]
        fn any_page_has_a_value_or_none(page in "(a|b|[{}\" 0-9.e\\n-])*", name in "a|ab") {
            let value = sum(&page, &name);
            prop_assert!(value.is_none_or(f64::is_finite));
            prop_assert!(label(&page, &name, "b").is_none_or(f64::is_finite));
        }
    }
}
