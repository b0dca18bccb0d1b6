//! `LiteLLM`'s price list (`model_prices_and_context_window.json`, MIT) as a further book.
//!
//! An object of models; prices are USD per token. The list is kept by many hands, so a bad entry is told and left out, never a reason to
//! refuse the rest. Models that are not paid by the token (images, speech, ranking) and free ones are counted and left out.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use super::{Cited, LARGEST_BOOK, ModelPrice, PriceBook, written::DEAREST_USD_PER_MTOK};
use crate::{
    Date,
    error::{Error, Result},
};

/// Kinds of use that are paid by input and output tokens.
const MODES: &[&str] = &["chat", "completion", "responses"];
/// Longest name that is taken, in characters.
const LONGEST: usize = 300;
/// The entry of the list that explains the others.
const EXPLAINS: &str = "sample_spec";

/// The list as read.
#[derive(Clone, Debug, PartialEq)]
pub struct LiteLlm {
    /// Its models.
    pub book: PriceBook,
    /// Entries that cannot be believed, each left out.
    pub rejected: Vec<Rejected>,
    /// How many entries are not paid by input and output tokens, or free.
    pub skipped: usize,
}

/// An entry that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub reason: String,
}

impl PriceBook {
    /// `LiteLLM`'s list, of a given day; `origin` names the text in errors and in the entries' source.
    ///
    /// # Errors
    /// A text that is too large, or no JSON object.
    pub fn litellm(text: &str, origin: &str, date: Date) -> Result<LiteLlm> {
        if text.len() as u64 > LARGEST_BOOK {
            return Err(Error::TooLarge { origin: origin.to_owned(), most: LARGEST_BOOK });
        }
        let entries: BTreeMap<String, Entry> =
            serde_json::from_str(text).map_err(|error| Error::Book { origin: origin.to_owned(), reason: error.to_string() })?;
        let cited = Cited { source: format!("LiteLLM's price list, {origin}"), url: None, date };
        let mut read = LiteLlm { book: Self::default(), rejected: Vec::new(), skipped: 0 };
        for (name, entry) in entries.into_iter().filter(|(name, _)| name != EXPLAINS) {
            match entry.price(&name) {
                Ok(Some((host, input, output))) => read.book.models.push(ModelPrice {
                    host,
                    name: name.rsplit('/').next().unwrap_or(&name).to_owned(),
                    id: name,
                    input_usd_per_mtok: input,
                    output_usd_per_mtok: output,
                    cited: cited.clone(),
                }),
                Ok(None) => read.skipped += 1,
                Err(reason) => {
                    let name = name.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
                    read.rejected.push(Rejected { name, reason });
                }
            }
        }
        Ok(read)
    }
}

/// One model, or something that is none.
#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Model(Box<Model>),
    Other(IgnoredAny),
}

/// What is read of a model; whatever else its entry holds is passed over.
#[derive(Deserialize)]
struct Model {
    litellm_provider: Option<Value>,
    mode: Option<Value>,
    input_cost_per_token: Option<Value>,
    output_cost_per_token: Option<Value>,
}

impl Entry {
    /// Host and prices in USD per million tokens; `None` for what is not paid by input and output tokens.
    fn price(&self, name: &str) -> Result<Option<(String, f64, f64)>, String> {
        let Self::Model(model) = self else { return Err("it is no object".into()) };
        if model.mode.as_ref().is_some_and(|mode| mode.as_str().is_none_or(|mode| !MODES.contains(&mode))) {
            return Ok(None);
        }
        let (Some(input), Some(output)) = (&model.input_cost_per_token, &model.output_cost_per_token) else { return Ok(None) };
        let (input, output) = (per_million("input_cost_per_token", input)?, per_million("output_cost_per_token", output)?);
        if input <= 0.0 || output <= 0.0 {
            return Ok(None);
        }
        let host = model.litellm_provider.as_ref().and_then(Value::as_str).ok_or("it has no litellm_provider")?;
        let is_label = |text: &str| !text.trim().is_empty() && text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
        if !is_label(host) || !is_label(name) {
            return Err(format!("its name or provider is not 1 to {LONGEST} characters in one line"));
        }
        Ok(Some((host.to_owned(), input, output)))
    }
}

fn per_million(what: &str, value: &Value) -> Result<f64, String> {
    let price = value.as_f64().ok_or_else(|| format!("{what} is not a number"))?;
    if !(0.0..=DEAREST_USD_PER_MTOK / 1e6).contains(&price) {
        return Err(format!("{what} is {price} USD a token, which no token costs"));
    }
    // A price per token in decimal, times a million, is meant to be a decimal again.
    Ok((price * 1e12).round() / 1e6)
}
