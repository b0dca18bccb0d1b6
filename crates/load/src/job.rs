//! What to ask, of whom, and how hard: everything one run of the client needs, resolved.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use units::Seconds;

use crate::Due;

/// One run of the client.
#[derive(Clone, Debug)]
pub struct Job {
    /// The server's base, such as `http://127.0.0.1:8000` or `https://host/v1`.
    pub url: String,
    /// The model name sent with every request.
    pub model: String,
    /// Requests sent first, in the closed loop of [`Self::streams`], and kept out of the measured ones. Prompts that differ from
    /// those, so that a prefix cache learns nothing.
    pub warmup: Vec<Prompt>,
    /// Wait for the warm-up's last answer before the window opens, for windows that are to hold nothing but the measured
    /// requests. Without it the window opens at the measured load, as soon as the first stream has done its last of the
    /// warm-up; the tokens of the warm-up's late answers are then the window's too.
    pub drain: bool,
    /// The measured requests, one each, in arrival order.
    pub prompts: Vec<Prompt>,
    /// When each of them is due: as many as there are prompts.
    pub arrivals: Vec<Due>,
    /// Connections opened before the window, at least 1, and no more than there are requests; the concurrency of requests that
    /// are due [`Due::WhenFree`].
    pub streams: u32,
    /// Requests that are due and find no free stream open more, up to this many in all; those beyond wait, and their wait is
    /// inside their latency. `None` is as many as are due.
    pub max_streams: Option<u32>,
    /// How the server is to choose tokens.
    pub sampling: Sampling,
    /// A request is given up so long after a stream took it up.
    pub timeout: Seconds,
    /// Sent as a bearer token.
    pub api_key: Option<ApiKey>,
}

/// One request's prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    /// The data set item it carries; empty for synthetic prompts.
    pub item: String,
    /// What is asked; it decides the endpoint.
    pub body: Body,
    /// Longest answer, in tokens.
    pub max_tokens: u32,
}

/// What is asked. Messages go to `/chat/completions`, the others to `/completions`.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// A conversation; the server applies its chat template.
    Messages(Vec<Message>),
    /// A conversation whose answer must have a form: the API's `response_format`, shared by the prompts that ask for it.
    Structured(Vec<Message>, Arc<serde_json::Value>),
    /// Text, taken as it is.
    Text(String),
    /// Token ids, taken as they are.
    Ids(Vec<u32>),
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// Its text.
    pub content: String,
}

/// How the server is to choose tokens. What is absent is not sent, and the server's own default holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Sampling temperature; 0 is greedy.
    pub temperature: Option<f64>,
    /// Seed of the server's sampler.
    pub seed: Option<u64>,
    /// Go on past the end-of-text token until `max_tokens`: speed runs force lengths, quality runs do not.
    pub ignore_eos: bool,
}

/// What stands in place of a key.
const HIDDEN: &str = "(API key)";

/// A secret that is sent and never shown.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// Wraps the key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// What a server said, without the key: some say back what they refuse. The words may have been cut short within the key.
    pub(crate) fn hide(&self, said: &str) -> String {
        // Shorter ones are ordinary words (`EMPTY`, `none`), and no secrets.
        const SHORTEST: usize = 8;
        let key = self.0.as_str();
        if key.len() < SHORTEST {
            return said.to_owned();
        }
        let hidden = said.replace(key, HIDDEN);
        match (SHORTEST..key.len()).rev().find_map(|length| hidden.strip_suffix(key.get(..length)?)) {
            Some(rest) => format!("{rest}{HIDDEN}"),
            None => hidden,
        }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_printed() {
        assert_eq!(format!("{:?}", ApiKey::new("sk-secret")), "ApiKey(..)");
    }

    #[test]
    fn a_key_that_a_server_says_back_is_hidden() {
        let key = ApiKey::new("sk-secret-123");
        for (said, expected) in [
            ("no such key: sk-secret-123, sk-secret-123!", "no such key: (API key), (API key)!"),
            ("cut short: sk-secret-12", "cut short: (API key)"),
            ("sk-", "sk-"),
            ("nothing of it", "nothing of it"),
        ] {
            assert_eq!(key.hide(said), expected);
        }
        assert_eq!(ApiKey::new("EMPTY").hide("EMPTY is no key"), "EMPTY is no key");
    }
}
