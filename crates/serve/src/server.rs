//! HTTP: routes, what they share, and the small pages. The two generating endpoints are `chat` and `completions`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use units::Nanos;

use crate::limits::Limits;
use crate::metrics::{Ended, Metrics};
use crate::scheduler::{Card, EngineHandle};

mod answer;
mod chat;
mod completions;
mod fields;
mod parameters;
mod problem;
mod shape;

use problem::Problem;

/// What every handler sees.
pub(crate) struct App {
    pub(crate) engine: EngineHandle,
    /// Set once the model is ready.
    pub(crate) card: OnceLock<Card>,
    pub(crate) metrics: Arc<Metrics>,
    limits: Limits,
    /// Requests taken, for ids and for the seeds of those that bring none.
    taken: AtomicU64,
    started: Nanos,
    started_wall: Nanos,
}

type Shared = State<Arc<App>>;

impl App {
    pub(crate) fn new(engine: EngineHandle, metrics: Arc<Metrics>, limits: Limits) -> Self {
        let (started, started_wall) = (record::clock::now(), record::clock::wall());
        Self { engine, card: OnceLock::new(), metrics, limits, taken: AtomicU64::new(0), started, started_wall }
    }

    fn card(&self) -> Result<&Card, Problem> {
        self.card.get().ok_or_else(Problem::loading)
    }

    fn number(&self) -> u64 {
        self.taken.fetch_add(1, Relaxed)
    }

    /// Seconds since 1970, as the API's `created` wants it.
    fn unix_seconds(&self) -> u64 {
        (self.started_wall.get() + record::clock::now().get().saturating_sub(self.started.get())) / 1_000_000_000
    }

    fn check_model(&self, name: &str) -> Result<(), Problem> {
        let served = &self.card()?.name;
        if name == served { Ok(()) } else { Err(Problem::unknown_model(name, served)) }
    }
}

/// The server's routes.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat::handle))
        .route("/v1/completions", post(completions::handle))
        .route("/v1/models", get(models))
        .route("/v1/models/{*name}", get(model))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .fallback(unknown_url)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(app.limits.max_body_bytes))
        .with_state(app)
}

async fn health(State(app): Shared) -> Response {
    if app.card.get().is_some() && app.engine.is_alive() {
        (StatusCode::OK, axum::Json(json!({"status": "ok"}))).into_response()
    } else {
        let status = if app.engine.is_alive() { "loading" } else { "stopped" };
        (StatusCode::SERVICE_UNAVAILABLE, axum::Json(json!({"status": status}))).into_response()
    }
}

async fn metrics(State(app): Shared) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics.page()).into_response()
}

async fn models(State(app): Shared) -> Result<Response, Problem> {
    let card = app.card()?;
    Ok(axum::Json(json!({"object": "list", "data": [describe(&app, card)]})).into_response())
}

async fn model(State(app): Shared, Path(name): Path<String>) -> Result<Response, Problem> {
    app.check_model(&name)?;
    Ok(axum::Json(describe(&app, app.card()?)).into_response())
}

fn describe(app: &App, card: &Card) -> Value {
    json!({
        "id": card.name,
        "object": "model",
        "created": app.started_wall.get() / 1_000_000_000,
        "owned_by": "edge-eval",
        "max_model_len": card.context_length,
    })
}

async fn unknown_url(method: axum::http::Method, uri: Uri) -> Problem {
    Problem::unknown_url(method.as_str(), uri.path())
}

async fn wrong_method(method: axum::http::Method, uri: Uri) -> Problem {
    Problem::wrong_method(method.as_str(), uri.path())
}

/// Counts what was refused, whatever the reason.
fn refused(app: &App, problem: Problem) -> Problem {
    app.metrics.count(Ended::Rejected);
    problem
}
