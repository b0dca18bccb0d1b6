//! `POST /v1/completions`: a text, token ids, or a list of either, to be continued.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use serde_json::Value;

use super::answer::{self, Ask};
use super::fields::Fields;
use super::parameters::Parameters;
use super::problem::Problem;
use super::shape::Api;
use super::{App, Card, Shared, refused};

/// Prompts of one request.
const MAX_PROMPTS: usize = 64;
/// OpenAI's default for this endpoint.
const USUAL_TOKENS: usize = 16;
/// OpenAI allows 5 here and 20 for chat; there is no reason for two limits.
const MAX_LOGPROBS: u32 = 20;

pub(super) async fn handle(State(app): Shared, body: Result<Bytes, BytesRejection>) -> Result<Response, Problem> {
    let ask = read(&app, body).await.map_err(|problem| refused(&app, problem))?;
    answer::respond(&app, ask).await
}

async fn read(app: &Arc<App>, body: Result<Bytes, BytesRejection>) -> Result<Ask, Problem> {
    let card = app.card()?;
    let number = app.number();
    let body = body.map_err(|rejection| Problem::body(&rejection, app.limits.max_body_bytes))?;
    let mut fields = Fields::parse(&body)?;
    let model = fields.string("model")?.ok_or_else(|| Problem::missing("model"))?;
    let prompts = prompts(&mut fields)?;
    let parameters = Parameters::read(&mut fields, app, number)?;
    let logprobs = fields.count("logprobs", 0..=MAX_LOGPROBS)?;
    fields.finish()?;
    app.check_model(&model)?;
    let prompts =
        answer::encoding(card, move |card| prompts.into_iter().map(|prompt| prompt.ids(card)).collect::<Result<Vec<_>, _>>()).await?;
    let generate = |ids| parameters.generate(ids, "prompt", card, USUAL_TOKENS, logprobs);
    let prompts = prompts.into_iter().map(generate).collect::<Result<_, _>>()?;
    Ok(Ask { api: Api::Completion, number, prompts, stream: parameters.stream, include_usage: parameters.include_usage })
}

/// One prompt as written.
enum Prompt {
    Text(String),
    Ids(Vec<u32>),
}

impl Prompt {
    fn ids(self, card: &Card) -> Result<Vec<u32>, Problem> {
        match self {
            Self::Text(text) => {
                let encoded = card.tokenizer.encode(&text, true);
                encoded.map_err(|error| Problem::invalid("prompt", "invalid_value", format!("The prompt cannot be tokenized: {error}.")))
            }
            Self::Ids(ids) => match ids.iter().find(|id| **id as usize >= card.vocabulary) {
                Some(id) => {
                    let message = format!("Token id {id} is not in the vocabulary of {} tokens.", card.vocabulary);
                    Err(Problem::invalid("prompt", "invalid_value", message))
                }
                None => Ok(ids),
            },
        }
    }
}

fn prompts(fields: &mut Fields) -> Result<Vec<Prompt>, Problem> {
    let list = match fields.take("prompt") {
        None => return Err(Problem::missing("prompt")),
        Some(Value::String(text)) => return Ok(vec![Prompt::Text(text)]),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(wrong(&other)),
    };
    match list.first() {
        None => Err(Problem::invalid("prompt", "empty_array", "'prompt' must not be an empty array.")),
        Some(Value::Number(_)) => Ok(vec![Prompt::Ids(ids(&list)?)]),
        Some(_) if list.len() > MAX_PROMPTS => {
            Err(Problem::invalid("prompt", "array_above_max_length", format!("'prompt' may have at most {MAX_PROMPTS} prompts.")))
        }
        Some(_) => list.into_iter().map(one_of_several).collect(),
    }
}

fn one_of_several(item: Value) -> Result<Prompt, Problem> {
    match item {
        Value::String(text) => Ok(Prompt::Text(text)),
        Value::Array(list) => ids(&list).map(Prompt::Ids),
        other => Err(wrong(&other)),
    }
}

fn ids(list: &[Value]) -> Result<Vec<u32>, Problem> {
    list.iter().map(|item| item.as_u64().and_then(|id| u32::try_from(id).ok()).ok_or_else(|| wrong(item))).collect()
}

fn wrong(value: &Value) -> Problem {
    Problem::wrong_type("prompt", "a string, an array of strings, an array of token ids, or an array of such arrays", value)
}
