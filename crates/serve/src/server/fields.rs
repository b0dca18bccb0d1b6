//! A request body, read field by field: each is taken once with its type and range, and what is left over is an error, so that a
//! misspelt parameter is never silently ignored. `null` counts as absent, as official clients send it.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::problem::Problem;

/// Parameters that this server does not have, and the values that ask for nothing. Anything else is refused.
const NEUTRAL: &[(&str, &[&str], &str)] = &[
    ("n", &["1"], "n = 1: send several requests for several answers"),
    ("best_of", &["1"], "best_of = 1"),
    ("echo", &["false"], "echo = false"),
    ("suffix", &["\"\""], "requests without a suffix"),
    ("frequency_penalty", &["0", "0.0"], "frequency_penalty = 0"),
    ("presence_penalty", &["0", "0.0"], "presence_penalty = 0"),
    ("repetition_penalty", &["1", "1.0"], "repetition_penalty = 1"),
    ("length_penalty", &["1", "1.0"], "length_penalty = 1"),
    ("min_p", &["0", "0.0"], "min_p = 0"),
    ("logit_bias", &["{}"], "requests without logit_bias"),
    ("stop_token_ids", &["[]"], "requests without stop_token_ids"),
    ("use_beam_search", &["false"], "use_beam_search = false"),
    ("response_format", &["{\"type\":\"text\"}"], "response_format = {\"type\": \"text\"}"),
    ("tools", &["[]"], "requests without tools"),
    ("tool_choice", &["\"none\"", "\"auto\""], "requests without tools"),
    ("functions", &["[]"], "requests without functions"),
    ("function_call", &["\"none\"", "\"auto\""], "requests without functions"),
    ("modalities", &["[\"text\"]"], "text"),
    ("audio", &[], "text"),
    ("prediction", &[], "requests without a prediction"),
    ("web_search_options", &[], "requests without a web search"),
];

/// Parameters that do not change an answer, taken and not used.
const HARMLESS: &[&str] = &[
    "user",
    "metadata",
    "store",
    "service_tier",
    "parallel_tool_calls",
    "prompt_cache_key",
    "safety_identifier",
    "request_id",
    "priority",
];

/// What is left of a request body.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Problem> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(map)) => Ok(Self(map)),
            Ok(_) => Err(Problem::not_an_object()),
            Err(error) => Err(Problem::malformed(&error)),
        }
    }

    /// The value of a parameter, whatever it is.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    pub(super) fn bool(&mut self, name: &str) -> Result<Option<bool>, Problem> {
        self.take(name).map(|value| value.as_bool().ok_or_else(|| Problem::wrong_type(name, "a boolean", &value))).transpose()
    }

    pub(super) fn string(&mut self, name: &str) -> Result<Option<String>, Problem> {
        self.take(name)
            .map(|value| match value {
                Value::String(text) => Ok(text),
                other => Err(Problem::wrong_type(name, "a string", &other)),
            })
            .transpose()
    }

    pub(super) fn number(&mut self, name: &str, range: RangeInclusive<f64>) -> Result<Option<f64>, Problem> {
        self.take(name)
            .map(|value| {
                let number = value.as_f64().ok_or_else(|| Problem::wrong_type(name, "a decimal", &value))?;
                let expected = || format!("a number from {} to {}", range.start(), range.end());
                if range.contains(&number) { Ok(number) } else { Err(Problem::out_of_range(name, &expected(), &value)) }
            })
            .transpose()
    }

    pub(super) fn integer(&mut self, name: &str, range: RangeInclusive<i64>) -> Result<Option<i64>, Problem> {
        self.take(name)
            .map(|value| {
                // An integer beyond i64 is a number out of range, not of another type.
                let whole =
                    value.as_number().filter(|number| !number.is_f64()).ok_or_else(|| Problem::wrong_type(name, "an integer", &value))?;
                let expected = || match *range.end() {
                    i64::MAX => format!("an integer of at least {}", range.start()),
                    end => format!("an integer from {} to {end}", range.start()),
                };
                let inside = whole.as_i64().filter(|number| range.contains(number));
                inside.ok_or_else(|| Problem::out_of_range(name, &expected(), &value))
            })
            .transpose()
    }

    /// A count: like [`Fields::integer`], not negative.
    pub(super) fn count(&mut self, name: &str, range: RangeInclusive<u32>) -> Result<Option<usize>, Problem> {
        let end = if *range.end() == u32::MAX { i64::MAX } else { i64::from(*range.end()) };
        Ok(self.integer(name, i64::from(*range.start())..=end)?.map(|number| usize::try_from(number).unwrap_or(usize::MAX)))
    }

    /// Refuses what this server cannot do and what nobody knows.
    pub(super) fn finish(mut self) -> Result<(), Problem> {
        for (name, neutral, supported) in NEUTRAL {
            if let Some(value) = self.take(name)
                && !neutral.contains(&value.to_string().as_str())
            {
                return Err(Problem::unsupported(name, supported));
            }
        }
        for name in HARMLESS {
            self.0.remove(*name);
        }
        // A parameter that is null asks for nothing, whatever its name.
        match self.0.iter().find(|(_, value)| !value.is_null()) {
            Some((name, _)) => Err(Problem::unknown_parameter(name)),
            None => Ok(()),
        }
    }
}
