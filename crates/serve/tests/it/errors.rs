//! What a client is told when its request cannot be answered: status and error object, in OpenAI's shape.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::client::{exchange, get, post, with};
use crate::fake::Fake;
use crate::server::{limits, start, start_with};

/// Status, code, param and message of the error that each body gets.
async fn check(path: &str, bodies: &[Value], want: Expect) {
    let server = start(Fake::recites("ok")).await;
    let mut lines = Vec::new();
    for body in bodies {
        let response = post(server.address, path, body).await;
        let error = response.json()["error"].clone();
        let fields: Vec<_> = error.as_object().unwrap_or_else(|| panic!("{}", response.body)).keys().cloned().collect();
        assert_eq!(fields, ["message", "type", "param", "code"]);
        lines.push(format!("{} {} {}: {}", response.status, error["code"], error["param"], error["message"].as_str().unwrap()));
    }
    want.assert_eq(&lines.join("\n"));
}

fn completion(more: Value) -> Value {
    with(json!({"model": "fake", "prompt": "x"}), more)
}

fn chat(more: Value) -> Value {
    with(json!({"model": "fake", "messages": [{"role": "user", "content": "x"}]}), more)
}

#[tokio::test]
async fn wrong_parameters() {
    let bodies = [
        json!({"temperature": "hot"}),
        json!({"temperature": 3}),
        json!({"top_p": -0.1}),
        json!({"top_k": 1.5}),
        json!({"max_tokens": 0}),
        json!({"max_tokens": -1}),
        json!({"max_tokens": 1e30}),
        json!({"max_tokens": 3, "max_completion_tokens": 4}),
        json!({"seed": "x"}),
        json!({"stream": 1}),
        json!({"stream_options": {"include_usage": true}}),
        json!({"stream": true, "stream_options": {"usage": true}}),
        json!({"stop": 5}),
        json!({"stop": ""}),
        json!({"stop": ["a", 1]}),
        json!({"stop": vec!["x"; 17]}),
        json!({"min_tokens": 17}),
        json!({"logprobs": 21}),
        json!({"temprature": 0.5}),
    ];
    check("/v1/completions", &bodies.map(completion), expect![[r#"
        400 "invalid_type" "temperature": Invalid type for 'temperature': expected a decimal, but got a string instead.
        400 "invalid_value" "temperature": Invalid value for 'temperature': expected a number from 0 to 2, but got 3 instead.
        400 "invalid_value" "top_p": Invalid value for 'top_p': expected a number from 0 to 1, but got -0.1 instead.
        400 "invalid_type" "top_k": Invalid type for 'top_k': expected an integer, but got a decimal instead.
        400 "invalid_value" "max_tokens": Invalid value for 'max_tokens': expected an integer of at least 1, but got 0 instead.
        400 "invalid_value" "max_tokens": Invalid value for 'max_tokens': expected an integer of at least 1, but got -1 instead.
        400 "invalid_type" "max_tokens": Invalid type for 'max_tokens': expected an integer, but got a decimal instead.
        400 "invalid_parameter_combination" "max_tokens": Setting 'max_tokens' and 'max_completion_tokens' to different values is not possible.
        400 "invalid_type" "seed": Invalid type for 'seed': expected an integer, but got a string instead.
        400 "invalid_type" "stream": Invalid type for 'stream': expected a boolean, but got an integer instead.
        400 "invalid_parameter_combination" "stream_options": The 'stream_options' parameter is only allowed when 'stream' is enabled.
        400 "unknown_parameter" "stream_options.usage": Unknown parameter: 'stream_options.usage'.
        400 "invalid_type" "stop": Invalid type for 'stop': expected a string or an array of strings, but got an integer instead.
        400 "invalid_value" "stop": Each string of 'stop' must have 1 to 1024 bytes.
        400 "invalid_type" "stop": Invalid type for 'stop': expected a string or an array of strings, but got an integer instead.
        400 "array_above_max_length" "stop": 'stop' may have at most 16 strings.
        400 "invalid_value" "min_tokens": Invalid value for 'min_tokens': 17 is more than the 16 tokens allowed.
        400 "invalid_value" "logprobs": Invalid value for 'logprobs': expected an integer from 0 to 20, but got 21 instead.
        400 "unknown_parameter" "temprature": Unknown parameter: 'temprature'."#]]).await;
}

#[tokio::test]
async fn what_is_not_supported_says_so() {
    let bodies = [
        json!({"n": 2}),
        json!({"best_of": 2}),
        json!({"echo": true}),
        json!({"suffix": "end"}),
        json!({"frequency_penalty": 0.5}),
        json!({"logit_bias": {"5": 1}}),
        json!({"response_format": {"type": "json_object"}}),
        json!({"tools": [{"type": "function"}]}),
    ];
    check("/v1/completions", &bodies.map(completion), expect![[r#"
        400 "unsupported_value" "n": Unsupported value for 'n': this server supports only n = 1: send several requests for several answers.
        400 "unsupported_value" "best_of": Unsupported value for 'best_of': this server supports only best_of = 1.
        400 "unsupported_value" "echo": Unsupported value for 'echo': this server supports only echo = false.
        400 "unsupported_value" "suffix": Unsupported value for 'suffix': this server supports only requests without a suffix.
        400 "unsupported_value" "frequency_penalty": Unsupported value for 'frequency_penalty': this server supports only frequency_penalty = 0.
        400 "unsupported_value" "logit_bias": Unsupported value for 'logit_bias': this server supports only requests without logit_bias.
        400 "unsupported_value" "response_format": Unsupported value for 'response_format': this server supports only response_format = {"type": "text"}.
        400 "unsupported_value" "tools": Unsupported value for 'tools': this server supports only requests without tools."#]]).await;
}

#[tokio::test]
async fn what_asks_for_nothing_is_taken() {
    let server = start(Fake::recites("ok")).await;
    let neutral = json!({
        "n": 1, "echo": false, "frequency_penalty": 0.0, "presence_penalty": 0, "logit_bias": {}, "user": "me", "suffix": null,
        "response_format": {"type": "text"}, "tools": [], "anything": null,
    });
    assert_eq!(post(server.address, "/v1/completions", &completion(neutral)).await.status, 200);
}

#[tokio::test]
async fn prompts() {
    let bodies = [
        json!({"model": "fake"}),
        json!({"model": "fake", "prompt": 5}),
        json!({"model": "fake", "prompt": []}),
        json!({"model": "fake", "prompt": [[]]}),
        json!({"model": "fake", "prompt": [1, "a"]}),
        json!({"model": "fake", "prompt": [-1]}),
        json!({"model": "fake", "prompt": [258]}),
        json!({"model": "fake", "prompt": vec!["x"; 65]}),
        json!({"prompt": "x"}),
        json!({"model": "gpt-4", "prompt": "x"}),
    ];
    check("/v1/completions", &bodies, expect![[r#"
        400 "missing_required_parameter" "prompt": Missing required parameter: 'prompt'.
        400 "invalid_type" "prompt": Invalid type for 'prompt': expected a string, an array of strings, an array of token ids, or an array of such arrays, but got an integer instead.
        400 "empty_array" "prompt": 'prompt' must not be an empty array.
        400 "invalid_value" "prompt": The prompt has no tokens.
        400 "invalid_type" "prompt": Invalid type for 'prompt': expected a string, an array of strings, an array of token ids, or an array of such arrays, but got a string instead.
        400 "invalid_type" "prompt": Invalid type for 'prompt': expected a string, an array of strings, an array of token ids, or an array of such arrays, but got an integer instead.
        400 "invalid_value" "prompt": Token id 258 is not in the vocabulary of 258 tokens.
        400 "array_above_max_length" "prompt": 'prompt' may have at most 64 prompts.
        400 "missing_required_parameter" "model": Missing required parameter: 'model'.
        404 "model_not_found" "model": The model 'gpt-4' does not exist. This server serves 'fake'."#]]).await;
}

#[tokio::test]
async fn messages() {
    let bodies = [
        json!({"messages": null}),
        json!({"messages": "hi"}),
        json!({"messages": []}),
        json!({"messages": ["hi"]}),
        json!({"messages": [{"content": "x"}]}),
        json!({"messages": [{"role": "user"}]}),
        json!({"messages": [{"role": "user", "content": 5}]}),
        json!({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}),
        json!({"messages": [{"role": "assistant", "content": "x", "tool_calls": [{}]}]}),
        json!({"messages": [{"role": "tool", "content": "x"}]}),
        json!({"top_logprobs": 3}),
        json!({"logprobs": true, "top_logprobs": 21}),
        json!({"logprobs": 3}),
    ];
    check("/v1/chat/completions", &bodies.map(chat), expect![[r#"
        400 "missing_required_parameter" "messages": Missing required parameter: 'messages'.
        400 "invalid_type" "messages": Invalid type for 'messages': expected an array of objects, but got a string instead.
        400 "empty_array" "messages": 'messages' must have at least one message.
        400 "invalid_type" "messages[0]": Invalid type for 'messages[0]': expected an object, but got a string instead.
        400 "missing_required_parameter" "messages[0].role": Missing required parameter: 'messages[0].role'.
        400 "missing_required_parameter" "messages[0].content": Missing required parameter: 'messages[0].content'.
        400 "invalid_type" "messages[0].content": Invalid type for 'messages[0].content': expected a string or an array of text parts, but got an integer instead.
        400 "unsupported_value" "messages[0].content[0]": Unsupported value for 'messages[0].content[0]': this server supports only parts of the form {"type": "text", "text": "…"}.
        400 "unknown_parameter" "messages[0].tool_calls": Unknown parameter: 'messages[0].tool_calls'.
        400 "invalid_value" "messages": The messages do not make a prompt: chat template refuses the conversation: no tools here (check the order and roles of the messages: most templates want user and assistant in turn).
        400 "invalid_parameter_combination" "top_logprobs": The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.
        400 "invalid_value" "top_logprobs": Invalid value for 'top_logprobs': expected an integer from 0 to 20, but got 21 instead.
        400 "invalid_type" "logprobs": Invalid type for 'logprobs': expected a boolean, but got an integer instead."#]]).await;
}

#[tokio::test]
async fn the_context_length_is_told() {
    let long = "x".repeat(2048);
    let bodies = [
        completion(json!({"prompt": long})),
        completion(json!({"max_tokens": 2047})),
        completion(json!({"max_tokens": 4_000_000_000_u32})),
    ];
    check("/v1/completions", &bodies, expect![[r#"
        400 "context_length_exceeded" "prompt": This model's maximum context length is 2048 tokens. However, your prompt has 2049 tokens, which leaves no room for an answer. Please reduce its length.
        400 "context_length_exceeded" "max_tokens": This model's maximum context length is 2048 tokens. However, you requested 2049 tokens (2 in the prompt, 2047 in the completion). Please reduce the length of either.
        400 "context_length_exceeded" "max_tokens": This model's maximum context length is 2048 tokens. However, you requested 4000000002 tokens (2 in the prompt, 4000000000 in the completion). Please reduce the length of either."#]]).await;
    check("/v1/chat/completions", &[chat(json!({"max_completion_tokens": 2048}))], expect![[r#"400 "context_length_exceeded" "max_completion_tokens": This model's maximum context length is 2048 tokens. However, you requested 2068 tokens (20 in the prompt, 2048 in the completion). Please reduce the length of either."#]]).await;
}

#[tokio::test]
async fn text_parts_are_text() {
    let server = start(Fake::recites("ok")).await;
    let parts = json!([{"type": "text", "text": "He"}, {"type": "text", "text": "llo"}]);
    let usage = |content: Value| {
        let body = json!({"model": "fake", "messages": [{"role": "user", "content": content, "name": "me"}]});
        async move { post(server.address, "/v1/chat/completions", &body).await.json()["usage"]["prompt_tokens"].as_u64().unwrap() }
    };
    assert_eq!(usage(parts).await, "user: Hello\nassistant: ".len() as u64 + 1);
}

#[tokio::test]
async fn bodies_that_are_not_json() {
    let server = start(Fake::recites("ok")).await;
    let mut lines = Vec::new();
    let deep = "[".repeat(10_000);
    for body in ["", "{", "[1]", "{\"model\": \"fake\", \"prompt\": \"\\ud800\"}", &deep] {
        let response = exchange(server.address, "POST", "/v1/completions", body.as_bytes()).await;
        lines.push(format!("{} {}", response.status, response.json()["error"]["message"]));
    }
    lines.push(exchange(server.address, "POST", "/v1/completions", b"\xff{}").await.status.to_string());
    let large = exchange(server.address, "POST", "/v1/completions", &vec![b' '; 70_000]).await;
    lines.push(format!("{} {}", large.status, large.json()["error"]));
    expect![[r#"
        400 "We could not parse the JSON body of your request: EOF while parsing a value at line 1 column 0."
        400 "We could not parse the JSON body of your request: EOF while parsing an object at line 1 column 1."
        400 "The JSON body of your request must be an object."
        400 "We could not parse the JSON body of your request: unexpected end of hex escape at line 1 column 36."
        400 "We could not parse the JSON body of your request: recursion limit exceeded at line 1 column 128."
        400
        413 {"message":"The request body is larger than this server's limit of 65536 bytes.","type":"invalid_request_error","param":null,"code":"request_too_large"}"#]].assert_eq(&lines.join("\n"));
}

#[tokio::test]
async fn urls_and_methods() {
    let server = start(Fake::recites("ok")).await;
    let mut lines = Vec::new();
    for (method, path) in [("GET", "/v1/chat"), ("GET", "/v1/completions"), ("POST", "/health"), ("GET", "/v1/models/gpt-4")] {
        let response = exchange(server.address, method, path, b"").await;
        lines.push(format!("{} {}", response.status, response.json()["error"]["message"]));
    }
    expect![[r#"
        404 "Invalid URL (GET /v1/chat)."
        405 "Not allowed to GET on /v1/completions."
        405 "Not allowed to POST on /health."
        404 "The model 'gpt-4' does not exist. This server serves 'fake'.""#]]
    .assert_eq(&lines.join("\n"));
}

#[tokio::test]
async fn a_model_that_fails() {
    for (fake, message) in [
        (Fake::Fails, "The engine failed while processing the request: the fake was told to fail."),
        (Fake::Broken, "The engine failed while processing the request: the model gave no logits that are numbers."),
    ] {
        let server = start(fake).await;
        let response = post(server.address, "/v1/completions", &completion(json!({}))).await;
        assert_eq!((response.status, response.json()["error"]["message"].as_str().unwrap()), (500, message));
        // One failed request does not end the server.
        assert_eq!(get(server.address, "/health").await.status, 200);
        server.until("edge_eval_requests_total{outcome=\"failed\"}", 1.0).await;
    }
}

#[tokio::test]
async fn too_many_waiting() {
    let server = start_with(Fake::recites("ok"), serve::Limits { max_waiting: 1, ..limits(1) }).await;
    let response = post(server.address, "/v1/completions", &completion(json!({"prompt": ["a", "b"]}))).await;
    assert_eq!((response.status, &response.json()["error"]["code"]), (429, &json!("rate_limit_exceeded")));
    assert!(response.head.contains("retry-after: 1"), "{}", response.head);
    assert_eq!(post(server.address, "/v1/completions", &completion(json!({}))).await.status, 200);
}
