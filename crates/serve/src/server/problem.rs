//! An error as OpenAI's API tells it: a status and `{"error": {"message", "type", "param", "code"}}`, which the official clients turn
//! into their exception classes.

use axum::extract::rejection::BytesRejection;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::scheduler::Refusal;

/// Why a request gets no answer. The message says how to mend it, for a client has no other place to look.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    kind: &'static str,
    message: String,
    param: Option<String>,
    code: Option<&'static str>,
    retry_after_s: Option<u32>,
}

const INVALID: &str = "invalid_request_error";

impl Problem {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into(), param: None, code: None, retry_after_s: None }
    }

    fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    fn at(mut self, param: &str) -> Self {
        self.param = Some(param.to_owned());
        self
    }

    fn retry(mut self) -> Self {
        self.retry_after_s = Some(1);
        self
    }

    /// A parameter that is there and wrong.
    pub(super) fn invalid(param: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID, message).at(param).code(code)
    }

    pub(super) fn wrong_type(param: &str, expected: &str, got: &Value) -> Self {
        let got = match got {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(number) if number.is_f64() => "a decimal",
            Value::Number(_) => "an integer",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        Self::invalid(param, "invalid_type", format!("Invalid type for '{param}': expected {expected}, but got {got} instead."))
    }

    pub(super) fn out_of_range(param: &str, expected: &str, got: &Value) -> Self {
        Self::invalid(param, "invalid_value", format!("Invalid value for '{param}': expected {expected}, but got {got} instead."))
    }

    pub(super) fn missing(param: &str) -> Self {
        Self::invalid(param, "missing_required_parameter", format!("Missing required parameter: '{param}'."))
    }

    pub(super) fn unsupported(param: &str, supported: &str) -> Self {
        let message = format!("Unsupported value for '{param}': this server supports only {supported}.");
        Self::invalid(param, "unsupported_value", message)
    }

    pub(super) fn unknown_parameter(param: &str) -> Self {
        Self::invalid(param, "unknown_parameter", format!("Unknown parameter: '{param}'."))
    }

    pub(super) fn malformed(error: &serde_json::Error) -> Self {
        let message = format!("We could not parse the JSON body of your request: {error}.");
        Self::new(StatusCode::BAD_REQUEST, INVALID, message).code("invalid_json")
    }

    pub(super) fn not_an_object() -> Self {
        Self::new(StatusCode::BAD_REQUEST, INVALID, "The JSON body of your request must be an object.").code("invalid_json")
    }

    pub(super) fn body(rejection: &BytesRejection, limit: usize) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let message = format!("The request body is larger than this server's limit of {limit} bytes.");
            Self::new(StatusCode::PAYLOAD_TOO_LARGE, INVALID, message).code("request_too_large")
        } else {
            Self::new(rejection.status(), INVALID, format!("The request body could not be read: {rejection}."))
        }
    }

    pub(super) fn unknown_model(name: &str, served: &str) -> Self {
        let message = format!("The model '{name}' does not exist. This server serves '{served}'.");
        Self::new(StatusCode::NOT_FOUND, INVALID, message).at("model").code("model_not_found")
    }

    pub(super) fn unknown_url(method: &str, path: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, INVALID, format!("Invalid URL ({method} {path}).")).code("unknown_url")
    }

    pub(super) fn wrong_method(method: &str, path: &str) -> Self {
        let message = format!("Not allowed to {method} on {path}.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, INVALID, message).code("method_not_supported")
    }

    /// Prompt and answer do not fit: both lengths and the limit are told.
    pub(super) fn too_long(param: &str, context: usize, prompt: usize, answer: Option<usize>) -> Self {
        let asked = match answer {
            Some(answer) => format!(
                "you requested {} tokens ({prompt} in the prompt, {answer} in the completion). Please reduce the length of either",
                prompt.saturating_add(answer)
            ),
            None => format!("your prompt has {prompt} tokens, which leaves no room for an answer. Please reduce its length"),
        };
        let message = format!("This model's maximum context length is {context} tokens. However, {asked}.");
        Self::new(StatusCode::BAD_REQUEST, INVALID, message).at(param).code("context_length_exceeded")
    }

    pub(super) fn loading() -> Self {
        let message = "The model is still loading. Please try again shortly; GET /health answers 200 once it is ready.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", message).code("model_loading").retry()
    }

    pub(super) fn refused(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Full => {
                let message = "Too many requests are waiting. Please retry after a while.";
                Self::new(StatusCode::TOO_MANY_REQUESTS, "requests", message).code("rate_limit_exceeded").retry()
            }
            Refusal::Stopped => Self::stopped(),
        }
    }

    pub(super) fn stopped() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", "The engine has stopped.").code("engine_stopped")
    }

    /// The engine failed while it worked on the request.
    pub(super) fn failed(reason: &str) -> Self {
        let message = format!("The engine failed while processing the request: {reason}.");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", message).code("engine_failed")
    }

    /// The body, also for an error inside a stream.
    pub(super) fn json(&self) -> Value {
        json!({"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}})
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.json())).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
