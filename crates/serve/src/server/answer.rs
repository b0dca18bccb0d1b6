//! From a request that was understood to its response: whole, or as server-sent events, one for each token whose text is complete.
//!
//! Dropping the response (the client hung up) drops the receiver of the news, and the engine then ends the sequence.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::Value;
use tokio::sync::mpsc::Receiver;

use super::problem::Problem;
use super::shape::{Api, Choice, Shape, Usage};
use super::{App, Card};
use crate::request::{Generate, News};

/// A request, understood.
pub(super) struct Ask {
    pub(super) api: Api,
    /// The request's own number.
    pub(super) number: u64,
    pub(super) prompts: Vec<Generate>,
    pub(super) stream: bool,
    pub(super) include_usage: bool,
}

/// Runs `work` (a long text takes long to tokenize) beside the threads that serve other clients.
pub(super) async fn encoding<T: Send + 'static>(
    card: &Card,
    work: impl FnOnce(&Card) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let card = card.clone();
    let outcome = tokio::task::spawn_blocking(move || work(&card)).await;
    outcome.unwrap_or_else(|_| Err(Problem::failed("the prompt could not be tokenized")))
}

/// Has the engine answer, and passes the answer on.
pub(super) async fn respond(app: &Arc<App>, ask: Ask) -> Result<Response, Problem> {
    let shape = shape(app, &ask)?;
    let usage = Usage { prompt: ask.prompts.iter().map(|generate| generate.prompt.len()).sum(), completion: 0 };
    let choices = ask.prompts.len();
    let news = app.engine.submit(ask.prompts).map_err(|refusal| super::refused(app, Problem::refused(&refusal)))?;
    if ask.stream {
        Ok(streamed(Streaming { shape, news, usage, unfinished: choices, stage: Stage::Opening }))
    } else {
        whole(&shape, news, usage, choices).await
    }
}

fn shape(app: &App, ask: &Ask) -> Result<Shape, Problem> {
    let card = app.card()?;
    let prefix = match ask.api {
        Api::Chat => "chatcmpl",
        Api::Completion => "cmpl",
    };
    Ok(Shape {
        api: ask.api,
        id: format!("{prefix}-{:x}-{}", app.started_wall.get(), ask.number),
        created: app.unix_seconds(),
        model: card.name.clone(),
        tokenizer: card.tokenizer.clone(),
        logprobs: ask.prompts.iter().any(|generate| generate.logprobs.is_some()),
        include_usage: ask.include_usage,
    })
}

async fn whole(shape: &Shape, mut news: Receiver<News>, mut usage: Usage, count: usize) -> Result<Response, Problem> {
    let mut choices: Vec<Choice> = (0..count).map(|_| Choice::default()).collect();
    while choices.iter().any(|choice| choice.finish.is_none()) {
        let News { index, piece, end } = news.recv().await.ok_or_else(Problem::stopped)?;
        let choice = &mut choices[index];
        if let Some(piece) = piece {
            choice.piece.append(piece);
        }
        if let Some(end) = end {
            choice.finish = Some(end.finish.map_err(|reason| Problem::failed(&reason))?);
            usage.completion += end.completion_tokens;
        }
    }
    Ok(axum::Json(shape.whole(&choices, usage)).into_response())
}

fn streamed(streaming: Streaming) -> Response {
    let body = Body::from_stream(stream::unfold(streaming, Streaming::next));
    ([(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")], body).into_response()
}

struct Streaming {
    shape: Shape,
    news: Receiver<News>,
    usage: Usage,
    unfinished: usize,
    stage: Stage,
}

enum Stage {
    Opening,
    Running,
    Over,
}

impl Streaming {
    /// The bytes of the next events, or the end of the stream.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let mut events = String::new();
        match self.stage {
            Stage::Over => return None,
            Stage::Opening if self.shape.api == Api::Chat => push(&mut events, self.shape.opening()),
            Stage::Opening | Stage::Running => {
                let news = self.news.recv().await;
                self.follow(&mut events, news);
            }
        }
        if matches!(self.stage, Stage::Opening) {
            self.stage = Stage::Running;
        }
        Some((Ok(events.into()), self))
    }

    fn follow(&mut self, events: &mut String, news: Option<News>) {
        let Some(News { index, piece, end }) = news else { return self.break_off(events, &Problem::stopped()) };
        push(events, piece.map(|piece| self.shape.piece(index, &piece)));
        let Some(end) = end else { return };
        match end.finish {
            Err(reason) => return self.break_off(events, &Problem::failed(&reason)),
            Ok(finish) => push(events, Some(self.shape.finish(index, finish))),
        }
        self.usage.completion += end.completion_tokens;
        self.unfinished -= 1;
        if self.unfinished == 0 {
            push(events, self.shape.usage(self.usage));
            events.push_str("data: [DONE]\n\n");
            self.stage = Stage::Over;
        }
    }

    /// The status line has long been sent: the error is an event, and the stream ends without `[DONE]`.
    fn break_off(&mut self, events: &mut String, problem: &Problem) {
        push(events, Some(problem.json()));
        self.stage = Stage::Over;
    }
}

fn push(events: &mut String, data: Option<Value>) {
    if let Some(data) = data {
        events.push_str("data: ");
        events.push_str(&data.to_string());
        events.push_str("\n\n");
    }
}
