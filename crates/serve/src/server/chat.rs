//! `POST /v1/chat/completions`: messages to a prompt through the model's chat template.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use serde_json::{Map, Value};
use text::{Message, RenderOptions};

use super::answer::{self, Ask};
use super::fields::Fields;
use super::parameters::Parameters;
use super::problem::Problem;
use super::shape::Api;
use super::{App, Card, Shared, refused};

/// Alternatives that `top_logprobs` may ask for, as OpenAI allows.
const MAX_TOP_LOGPROBS: u32 = 20;

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
    let messages = messages(&mut fields)?;
    let parameters = Parameters::read(&mut fields, app, number)?;
    let logprobs = logprobs(&mut fields)?;
    fields.finish()?;
    app.check_model(&model)?;
    let prompt = answer::encoding(card, move |card| prompt(card, &messages)).await?;
    // An answer may be as long as the context has room for.
    let generate = parameters.generate(prompt, "messages", card, usize::MAX, logprobs)?;
    Ok(Ask { api: Api::Chat, number, prompts: vec![generate], stream: parameters.stream, include_usage: parameters.include_usage })
}

fn prompt(card: &Card, messages: &[Message]) -> Result<Vec<u32>, Problem> {
    let refuse = |error: text::Error| {
        let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
        Problem::invalid("messages", "invalid_value", format!("The messages do not make a prompt: {error}{hint}."))
    };
    let options = RenderOptions { add_generation_prompt: true, ..RenderOptions::default() };
    let text = card.template.render(messages, &options).map_err(refuse)?;
    // The template writes the special tokens itself.
    card.tokenizer.encode(&text, false).map_err(refuse)
}

fn logprobs(fields: &mut Fields) -> Result<Option<usize>, Problem> {
    let wanted = fields.bool("logprobs")?.unwrap_or(false);
    let top = fields.count("top_logprobs", 0..=MAX_TOP_LOGPROBS)?;
    if top.is_some_and(|top| top > 0) && !wanted {
        let message = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.";
        return Err(Problem::invalid("top_logprobs", "invalid_parameter_combination", message));
    }
    Ok(wanted.then_some(top.unwrap_or(0)))
}

fn messages(fields: &mut Fields) -> Result<Vec<Message>, Problem> {
    let list = match fields.take("messages") {
        None => return Err(Problem::missing("messages")),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(Problem::wrong_type("messages", "an array of objects", &other)),
    };
    if list.is_empty() {
        return Err(Problem::invalid("messages", "empty_array", "'messages' must have at least one message."));
    }
    list.into_iter().enumerate().map(|(index, value)| message(index, value)).collect()
}

fn message(index: usize, value: Value) -> Result<Message, Problem> {
    let place = format!("messages[{index}]");
    let Value::Object(mut object) = value else { return Err(Problem::wrong_type(&place, "an object", &value)) };
    let role = match object.remove("role") {
        Some(Value::String(role)) => role,
        Some(other) => return Err(Problem::wrong_type(&format!("{place}.role"), "a string", &other)),
        None => return Err(Problem::missing(&format!("{place}.role"))),
    };
    let content = content(&format!("{place}.content"), object.remove("content"))?;
    object.remove("name");
    match object.into_iter().find(|(_, value)| !value.is_null()) {
        Some((key, _)) => Err(Problem::unknown_parameter(&format!("{place}.{key}"))),
        None => Ok(Message { role, content }),
    }
}

/// A text, or parts that are all text.
fn content(place: &str, value: Option<Value>) -> Result<String, Problem> {
    match value {
        None | Some(Value::Null) => Err(Problem::missing(place)),
        Some(Value::String(text)) => Ok(text),
        Some(Value::Array(parts)) => parts.iter().enumerate().map(|(index, part)| part_text(&format!("{place}[{index}]"), part)).collect(),
        Some(other) => Err(Problem::wrong_type(place, "a string or an array of text parts", &other)),
    }
}

fn part_text<'a>(place: &str, part: &'a Value) -> Result<&'a str, Problem> {
    let text = |object: &'a Map<String, Value>| match object.get("type").and_then(Value::as_str) {
        Some("text") => object.get("text").and_then(Value::as_str),
        _ => None,
    };
    part.as_object().and_then(text).ok_or_else(|| Problem::unsupported(place, "parts of the form {\"type\": \"text\", \"text\": \"…\"}"))
}
