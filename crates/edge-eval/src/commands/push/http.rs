//! JSON posted to a server that is not being measured, and its answer, within bounds.

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most of an answer that is read.
const ANSWER_LIMIT: u64 = 4 << 20;
/// Most of a refusal that is told.
const TOLD: usize = 300;

/// A server's address, and the headers of every request to it.
pub(super) struct Client {
    agent: ureq::Agent,
    base: String,
    headers: Vec<(String, String)>,
}

/// What a server answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
}

impl Client {
    pub(super) fn new(base: &str, headers: Vec<(String, String)>) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false).max_redirects(0);
        Self { agent: config.build().into(), base: base.trim_end_matches('/').to_owned(), headers }
    }

    /// Posts to a path under the address; an answer other than 2xx is an error that tells its beginning.
    pub(super) fn post_to(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.post(&format!("{}{path}", self.base), body)
    }

    /// Posts to a whole address likewise.
    pub(super) fn post(&self, url: &str, body: &Value) -> anyhow::Result<Value> {
        self.ask(url, body)?.read(url)
    }

    /// Posts to a path under the address; whatever the status.
    pub(super) fn try_post_to(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.ask(&format!("{}{path}", self.base), body)
    }

    fn ask(&self, url: &str, body: &Value) -> anyhow::Result<Answer> {
        let mut request = self.agent.post(url).header("content-type", "application/json");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let bytes = serde_json::to_vec(body).context("writing JSON")?;
        let mut answer = request.send(&bytes[..]).with_context(|| format!("posting to {url}"))?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().with_config().limit(ANSWER_LIMIT).read_to_string();
        Ok(Answer { status, text: text.with_context(|| format!("reading the answer of {url}"))? })
    }
}

impl Answer {
    /// The JSON of a good answer; of an empty one nothing.
    pub(super) fn read(&self, url: &str) -> anyhow::Result<Value> {
        if !(200..300).contains(&self.status) {
            let told: String = self.text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TOLD).collect();
            bail!("{url} answered {}: {told}", self.status);
        }
        if self.text.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&self.text).with_context(|| format!("{url} answered no JSON"))
    }
}

/// The address with a path, where it has none of its own.
pub(super) fn with_path(url: &str, path: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    match rest.split_once('/') {
        Some((_, own)) if !own.is_empty() => url.to_owned(),
        _ => format!("{}{path}", url.trim_end_matches('/')),
    }
}

/// `name: value`.
pub(super) fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or_else(|| "a header is NAME: VALUE".to_owned())?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_path_gets_one() {
        assert_eq!(with_path("http://a:4318", "/v1/metrics"), "http://a:4318/v1/metrics");
        assert_eq!(with_path("http://a:4318/", "/v1/metrics"), "http://a:4318/v1/metrics");
        assert_eq!(with_path("http://a/otlp/v1/metrics", "/v1/metrics"), "http://a/otlp/v1/metrics");
        assert_eq!(header("x-key: a:b"), Ok(("x-key".into(), "a:b".into())));
        assert!(header("nothing").is_err());
    }

    #[test]
    fn a_refusal_tells_its_beginning_and_obeys_nothing() {
        let refusal = Answer { status: 403, text: format!("no\u{1b}[31m {}", "x".repeat(1000)) };
        let said = refusal.read("http://a").unwrap_err().to_string();
        assert!(said.starts_with("http://a answered 403: no [31m xx") && said.len() < 400, "{said}");
        assert_eq!(Answer { status: 200, text: " ".into() }.read("u").unwrap(), Value::Null);
        assert!(Answer { status: 200, text: "<html>".into() }.read("u").is_err());
    }
}
