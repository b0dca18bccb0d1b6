//! What the mock server does, as data: one behaviour for all requests, and rules that change it for some of them. Strict: a
//! word that is not known is an error that lists the known ones. Not the doing: that is `answer` and `worker`.

use serde::{Deserialize, Serialize};

use super::Distribution;
use crate::Error;

/// The whole script. As TOML:
///
/// ```toml
/// threads = 2
/// [answer]
/// ttft_ms = "lognormal:50:0.3"
/// itl_ms = 10
/// [[rule]]
/// every = 10
/// answer = { status = 429 }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// Port on 127.0.0.1; 0 lets the system choose one.
    pub port: u16,
    /// Worker threads, each with its share of the connections.
    pub threads: u32,
    /// Seed of every draw; request `n` draws the same times in every run.
    pub seed: u32,
    /// The model's name in answers.
    pub model: String,
    /// What holds for every request.
    pub answer: Behaviour,
    /// What holds for some requests beside it; of several that apply, later ones win.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
}

impl Default for Script {
    fn default() -> Self {
        Self { port: 0, threads: 1, seed: 42, model: "mock".to_owned(), answer: Behaviour::default(), rules: Vec::new() }
    }
}

/// A behaviour for some requests. Requests are numbered from 0 in the order in which the server took them in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Every n-th request: with 10 the requests 9, 19, 29, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<u32>,
    /// These requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<u32>,
    /// What is different for them.
    pub answer: Behaviour,
}

impl Rule {
    fn applies(&self, index: u32) -> bool {
        self.every.is_some_and(|every| (u64::from(index) + 1).is_multiple_of(u64::from(every))) || self.requests.contains(&index)
    }
}

macro_rules! behaviour {
    ($($(#[$doc:meta])* $name:ident: $type:ty,)*) => {
        /// How one request is answered. What is not said is as a good server does it.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Behaviour {
            $(
                $(#[$doc])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $name: Option<$type>,
            )*
        }

        impl Behaviour {
            /// This behaviour with everything that `other` says put over it.
            #[must_use]
            pub fn with(&self, other: &Self) -> Self {
                Self { $($name: other.$name.clone().or_else(|| self.$name.clone()),)* }
            }
        }
    };
}

behaviour! {
    /// From the arrival of the request's last byte to the first token; 50 ms unless said.
    ttft_ms: Distribution,
    /// Between two tokens; 10 ms unless said. At 0 events are written as fast as the machine can, each stream in its turn.
    itl_ms: Distribution,
    /// Tokens of an answer, whatever the request asks for; else its `max_tokens`, else 16.
    tokens: u32,
    /// Tokens in one event; 1 unless said. An event is due with its last token, the first one at TTFT.
    tokens_per_event: u32,
    /// Events in one write; 1 unless said. They are written when the last of them is due.
    events_per_write: u32,
    /// An event that holds the role alone comes so long after the arrival, before the first token.
    role_after_ms: f64,
    /// So many of the first tokens are reasoning (`reasoning_content`), not the answer.
    reasoning_tokens: u32,
    /// Pauses in the stream.
    stalls: Vec<Stall>,
    /// Headers are written so long after the arrival; at once unless said.
    headers_after_ms: f64,
    /// A status other than 200, with the API's error object for a body.
    status: u16,
    /// The connection is closed after so many events.
    close_after_events: u32,
    /// The connection is reset (RST) after so many events.
    reset_after_events: u32,
    /// This event, from 0, holds JSON that is cut short.
    malformed_event: u32,
    /// The last event is written by half, and the connection closed.
    half_event: bool,
    /// After the last token nothing comes any more, and the connection stays.
    never_ends: bool,
    /// What becomes of `usage`; `true` unless said.
    usage: Usage,
    /// `usage.prompt_tokens`; the words of the prompt unless said.
    prompt_tokens: u32,
    /// `usage.prompt_tokens_details.cached_tokens`, and the counters of `/metrics` with it.
    cached_tokens: u32,
    /// The answer's content type; `text/event-stream` or `application/json` unless said.
    content_type: String,
    /// Bytes that are no HTTP at all, and the connection is closed.
    garbage: bool,
    /// The connection is closed after each answer, as the headers say.
    close: bool,
}

/// A pause.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stall {
    /// Before this token, from 0.
    pub token: u32,
    /// For so long.
    pub ms: f64,
}

/// What becomes of `usage`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Usage {
    /// Told, as it is, when the request asks for it.
    #[default]
    True,
    /// Never told.
    Missing,
    /// Told as twice the tokens and one.
    Lying,
}

impl std::str::FromStr for Usage {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "true" => Ok(Self::True),
            "missing" => Ok(Self::Missing),
            "lying" => Ok(Self::Lying),
            other => Err(format!("`{other}` is no way to tell usage; known: true, missing, lying")),
        }
    }
}

impl Script {
    /// Reads a script from TOML and checks it.
    ///
    /// # Errors
    /// An unknown word (the known ones are listed), a value out of its bounds.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let script: Self = toml::from_str(text).map_err(|error| Error::Script { reason: error.to_string().trim_end().to_owned() })?;
        script.check()?;
        Ok(script)
    }

    /// Writes it as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("strings, numbers and tables always serialise")
    }

    /// How request `index` is answered.
    pub fn behaviour(&self, index: u32) -> Behaviour {
        self.rules.iter().filter(|rule| rule.applies(index)).fold(self.answer.clone(), |behaviour, rule| behaviour.with(&rule.answer))
    }

    /// Whether every value is within its bounds.
    ///
    /// # Errors
    /// One is not: it is named.
    pub fn check(&self) -> Result<(), Error> {
        let bad = |reason: &str| Err(Error::Script { reason: reason.to_owned() });
        if !(1..=64).contains(&self.threads) {
            return bad("threads: between 1 and 64");
        }
        for rule in &self.rules {
            if rule.every == Some(0) {
                return bad("rule.every: at least 1");
            }
            if rule.every.is_none() && rule.requests.is_empty() {
                return bad("rule: say which requests it is for, with `every` or `requests`");
            }
        }
        std::iter::once(&self.answer).chain(self.rules.iter().map(|rule| &rule.answer)).try_for_each(Behaviour::check)
    }
}

impl Behaviour {
    /// Most tokens of one answer, and most prompt tokens that may be claimed.
    pub(super) const MOST_TOKENS: u32 = 10_000_000;

    fn check(&self) -> Result<(), Error> {
        let time = |ms: f64| (0.0..=86_400_000.0).contains(&ms);
        let tokens = |n: Option<u32>| n.is_none_or(|n| n <= Self::MOST_TOKENS);
        let group = |n: Option<u32>| n.is_none_or(|n| (1..=10_000).contains(&n));
        let stalls = self.stalls.as_deref().unwrap_or_default();
        let wrong = [
            (self.role_after_ms.is_none_or(time), "role_after_ms: between 0 and a day"),
            (self.headers_after_ms.is_none_or(time), "headers_after_ms: between 0 and a day"),
            (stalls.iter().all(|stall| time(stall.ms)), "stalls: ms between 0 and a day"),
            (tokens(self.tokens), "tokens: at most 10,000,000"),
            (tokens(self.prompt_tokens) && tokens(self.cached_tokens), "prompt_tokens and cached_tokens: at most 10,000,000"),
            (group(self.tokens_per_event), "tokens_per_event: between 1 and 10,000"),
            (group(self.events_per_write), "events_per_write: between 1 and 10,000"),
            (self.status.is_none_or(|status| (200..=599).contains(&status)), "status: between 200 and 599"),
            (self.content_type.as_deref().is_none_or(is_header_value), "content_type: plain ASCII, at most 200 characters"),
        ];
        match wrong.iter().find(|(sound, _)| !sound) {
            Some((_, reason)) => Err(Error::Script { reason: (*reason).to_owned() }),
            None => Ok(()),
        }
    }
}

fn is_header_value(text: &str) -> bool {
    text.len() <= 200 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rule_is_put_over_what_holds_for_all() {
        let script = Script::parse(
            "[answer]\nttft_ms = 5\nitl_ms = 'uniform:1:2'\n[[rule]]\nevery = 2\nanswer = { ttft_ms = 7.5 }\n[[rule]]\nrequests = [3]\n[rule.answer]\nstatus = 429\n",
        )
        .unwrap();
        assert_eq!(script.behaviour(0).ttft_ms, Some(Distribution::Constant(5.0)));
        assert_eq!(script.behaviour(1).ttft_ms, Some(Distribution::Constant(7.5)));
        assert_eq!(script.behaviour(1).itl_ms, Some(Distribution::Uniform(1.0, 2.0)));
        assert_eq!((script.behaviour(1).status, script.behaviour(3).status), (None, Some(429)));
    }

    #[test]
    fn what_is_wrong_is_named_with_the_known_words() {
        for (text, expected) in [
            ("[answer]\nttfd_ms = 5", "expected one of `ttft_ms`, `itl_ms`"),
            ("answers = 1", "`answer`"),
            ("[answer]\nusage = 'wrong'", "`true`, `missing`, `lying`"),
            ("[answer]\nttft_ms = 'gauss:1:2'", "lognormal:MEDIAN:SIGMA"),
            ("[answer]\nttft_ms = -1", "no distribution of times"),
            ("threads = 0", "threads: between 1 and 64"),
            ("[[rule]]\nevery = 0\n[rule.answer]", "rule.every: at least 1"),
            ("[[rule]]\n[rule.answer]", "say which requests"),
            ("[answer]\nstatus = 99", "status: between"),
            ("[answer]\ntokens_per_event = 0", "tokens_per_event: between"),
            ("[answer]\ncontent_type = \"a\\r\\nb\"", "content_type: plain"),
            ("[answer]\nrole_after_ms = nan", "role_after_ms: between"),
        ] {
            let error = Script::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    fn times() -> impl Strategy<Value = f64> {
        0.0..1e6_f64
    }

    fn distributions() -> impl Strategy<Value = Distribution> {
        prop_oneof![
            times().prop_map(Distribution::Constant),
            (times(), times()).prop_map(|(a, b)| Distribution::Uniform(a.min(b), a.max(b))),
            (times(), times()).prop_map(|(mean, sd)| Distribution::Normal(mean, sd)),
            (times(), 0.0..5.0_f64).prop_map(|(median, sigma)| Distribution::Lognormal(median, sigma)),
            times().prop_map(Distribution::Exponential),
        ]
    }

    prop_compose! {
        fn timing()(
            ttft_ms in proptest::option::of(distributions()),
            itl_ms in proptest::option::of(distributions()),
            role_after_ms in proptest::option::of(times()),
            stalls in proptest::option::of(proptest::collection::vec((0..100_u32, times()).prop_map(|(token, ms)| Stall { token, ms }), 0..3)),
            headers_after_ms in proptest::option::of(times()),
        ) -> Behaviour {
            Behaviour { ttft_ms, itl_ms, role_after_ms, stalls, headers_after_ms, ..Behaviour::default() }
        }
    }

    prop_compose! {
        fn shape()(
            counts in proptest::array::uniform8(proptest::option::of(1..10_000_u32)),
            status in proptest::option::of(200..600_u16),
            flags in proptest::array::uniform4(proptest::option::of(any::<bool>())),
            usage in proptest::option::of(prop_oneof![Just(Usage::True), Just(Usage::Missing), Just(Usage::Lying)]),
            content_type in proptest::option::of("[ -~]{0,40}"),
        ) -> Behaviour {
            let [tokens, tokens_per_event, events_per_write, reasoning_tokens, close_after_events, reset_after_events, prompt_tokens, cached_tokens] = counts;
            let [half_event, never_ends, garbage, close] = flags;
            Behaviour {
                tokens, tokens_per_event, events_per_write, reasoning_tokens, close_after_events, reset_after_events, prompt_tokens,
                cached_tokens, malformed_event: tokens, status, half_event, never_ends, garbage, close, usage, content_type,
                ..Behaviour::default()
            }
        }
    }

    proptest! {
        #[test]
        fn any_script_reads_back_as_it_was(
            seed: u32,
            port: u16,
            threads in 1..64_u32,
            model in ".{0,20}",
            answers in proptest::collection::vec((timing(), shape()), 1..4),
            every in 1..100_u32,
            requests in proptest::collection::vec(any::<u32>(), 0..4),
        ) {
            let mut answers = answers.into_iter().map(|(timing, shape)| timing.with(&shape));
            let answer = answers.next().unwrap();
            let rules = answers.map(|answer| Rule { every: Some(every), requests: requests.clone(), answer }).collect();
            let script = Script { port, threads, seed, model, answer, rules };
            prop_assert_eq!(Script::parse(&script.to_toml()).unwrap(), script);
        }
    }
}
