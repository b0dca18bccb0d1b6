//! Responses in one piece: their shapes, their counts, what sampling parameters do.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::client::{get, post, with};
use crate::fake::{Fake, prompt_tokens};
use crate::server::{start, tidy};
use crate::tokenizer::BEGIN;

async fn check(fake: Fake, path: &str, body: Value, want: Expect) {
    let server = start(fake).await;
    let response = post(server.address, path, &body).await;
    want.assert_eq(&format!("{}\n{}", response.status, tidy(response.json())));
}

#[tokio::test]
async fn a_chat() {
    let body = json!({"model": "fake", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0});
    check(
        Fake::recites("Hello."),
        "/v1/chat/completions",
        body,
        expect![[r#"
        200
        {
          "id": "chatcmpl-ID",
          "object": "chat.completion",
          "created": "TIME",
          "model": "fake",
          "system_fingerprint": "edge-eval-0.1.0",
          "choices": [
            {
              "index": 0,
              "message": {
                "role": "assistant",
                "content": "Hello.",
                "refusal": null
              },
              "logprobs": null,
              "finish_reason": "stop"
            }
          ],
          "usage": {
            "prompt_tokens": 21,
            "completion_tokens": 7,
            "total_tokens": 28
          }
        }"#]],
    )
    .await;
}

#[tokio::test]
async fn a_completion() {
    let body = json!({"model": "fake", "prompt": "Once", "temperature": 0, "max_tokens": 3});
    check(
        Fake::recites("Hello."),
        "/v1/completions",
        body,
        expect![[r#"
        200
        {
          "id": "cmpl-ID",
          "object": "text_completion",
          "created": "TIME",
          "model": "fake",
          "system_fingerprint": "edge-eval-0.1.0",
          "choices": [
            {
              "index": 0,
              "text": "Hel",
              "logprobs": null,
              "finish_reason": "length"
            }
          ],
          "usage": {
            "prompt_tokens": 5,
            "completion_tokens": 3,
            "total_tokens": 8
          }
        }"#]],
    )
    .await;
}

#[tokio::test]
async fn logprobs_of_a_chat() {
    let body = json!({
        "model": "fake", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0, "logprobs": true, "top_logprobs": 2,
    });
    check(
        Fake::recites("é"),
        "/v1/chat/completions",
        body,
        expect![[r#"
        200
        {
          "id": "chatcmpl-ID",
          "object": "chat.completion",
          "created": "TIME",
          "model": "fake",
          "system_fingerprint": "edge-eval-0.1.0",
          "choices": [
            {
              "index": 0,
              "message": {
                "role": "assistant",
                "content": "é",
                "refusal": null
              },
              "logprobs": {
                "content": [
                  {
                    "token": "�",
                    "logprob": -0.6931471824645996,
                    "bytes": [
                      195
                    ],
                    "top_logprobs": [
                      {
                        "token": "�",
                        "logprob": -0.6931471824645996,
                        "bytes": [
                          195
                        ]
                      },
                      {
                        "token": "\u0000",
                        "logprob": -6.242223262786865,
                        "bytes": [
                          0
                        ]
                      }
                    ]
                  },
                  {
                    "token": "�",
                    "logprob": -0.6931471824645996,
                    "bytes": [
                      169
                    ],
                    "top_logprobs": [
                      {
                        "token": "�",
                        "logprob": -0.6931471824645996,
                        "bytes": [
                          169
                        ]
                      },
                      {
                        "token": "\u0000",
                        "logprob": -6.242223262786865,
                        "bytes": [
                          0
                        ]
                      }
                    ]
                  }
                ],
                "refusal": null
              },
              "finish_reason": "stop"
            }
          ],
          "usage": {
            "prompt_tokens": 21,
            "completion_tokens": 3,
            "total_tokens": 24
          }
        }"#]],
    )
    .await;
}

#[tokio::test]
async fn logprobs_of_a_completion() {
    let body = json!({"model": "fake", "prompt": "Once", "temperature": 0, "max_tokens": 4, "logprobs": 1});
    check(
        Fake::recites("aéb"),
        "/v1/completions",
        body,
        expect![[r#"
        200
        {
          "id": "cmpl-ID",
          "object": "text_completion",
          "created": "TIME",
          "model": "fake",
          "system_fingerprint": "edge-eval-0.1.0",
          "choices": [
            {
              "index": 0,
              "text": "aéb",
              "logprobs": {
                "tokens": [
                  "a",
                  "bytes:\\xc3",
                  "bytes:\\xa9",
                  "b"
                ],
                "token_logprobs": [
                  -0.6931471824645996,
                  -0.6931471824645996,
                  -0.6931471824645996,
                  -0.6931471824645996
                ],
                "top_logprobs": [
                  {
                    "a": -0.6931471824645996
                  },
                  {
                    "bytes:\\xc3": -0.6931471824645996
                  },
                  {
                    "bytes:\\xa9": -0.6931471824645996
                  },
                  {
                    "b": -0.6931471824645996
                  }
                ],
                "text_offset": [
                  0,
                  1,
                  1,
                  2
                ]
              },
              "finish_reason": "length"
            }
          ],
          "usage": {
            "prompt_tokens": 5,
            "completion_tokens": 4,
            "total_tokens": 9
          }
        }"#]],
    )
    .await;
}

#[tokio::test]
async fn several_prompts_text_or_ids() {
    let server = start(Fake::recites("ok")).await;
    let address = server.address;
    let choices = |prompt: Value| async move {
        let response = post(address, "/v1/completions", &json!({"model": "fake", "prompt": prompt, "temperature": 0})).await.json();
        let texts: Vec<_> = response["choices"].as_array().unwrap().iter().map(|c| format!("{}:{}", c["index"], c["text"])).collect();
        (texts.join(" "), response["usage"]["prompt_tokens"].as_u64().unwrap(), response["usage"]["completion_tokens"].as_u64().unwrap())
    };
    assert_eq!(choices(json!("abc")).await, ("0:\"ok\"".into(), prompt_tokens("abc"), 3));
    assert_eq!(choices(json!(["abc", "de"])).await, ("0:\"ok\" 1:\"ok\"".into(), prompt_tokens("abc") + prompt_tokens("de"), 6));
    assert_eq!(choices(json!([BEGIN, 97])).await, ("0:\"ok\"".into(), 2, 3));
    assert_eq!(choices(json!([[97], [97, 98]])).await, ("0:\"ok\" 1:\"ok\"".into(), 3, 6));
}

/// Text, finish reason and completion tokens of a completion.
async fn ended(fake: Fake, more: Value) -> (String, String, u64) {
    let server = start(fake).await;
    let body = with(json!({"model": "fake", "prompt": "x", "temperature": 0, "max_tokens": 40}), more);
    let response = post(server.address, "/v1/completions", &body).await.json();
    let choice = &response["choices"][0];
    let word = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{response}")).to_owned();
    (word(&choice["text"]), word(&choice["finish_reason"]), response["usage"]["completion_tokens"].as_u64().unwrap())
}

fn end(text: &str, reason: &str, tokens: u64) -> (String, String, u64) {
    (text.into(), reason.into(), tokens)
}

#[tokio::test]
async fn how_answers_end() {
    let recites = || Fake::recites("one two three");
    assert_eq!(ended(recites(), json!({})).await, end("one two three", "stop", 14));
    assert_eq!(ended(recites(), json!({"max_tokens": 5})).await, end("one t", "length", 5));
    assert_eq!(ended(recites(), json!({"max_completion_tokens": 5, "max_tokens": null})).await, end("one t", "length", 5));
    assert_eq!(ended(recites(), json!({"stop": " tw"})).await, end("one", "stop", 6));
    assert_eq!(ended(recites(), json!({"stop": ["zzz", "wo", "o t"]})).await, end("one t", "stop", 7));
    // Half a stop string is text after all once the answer ends.
    assert_eq!(ended(recites(), json!({"stop": "three!"})).await, end("one two three", "stop", 14));
    assert_eq!(ended(recites(), json!({"stop": "two", "max_tokens": 6})).await, end("one tw", "length", 6));
    // A stop string does not count before `min_tokens`, nor does the end.
    assert_eq!(ended(recites(), json!({"stop": "e", "min_tokens": 5})).await, end("one two thr", "stop", 12));
}

#[tokio::test]
async fn forced_lengths_go_past_the_end() {
    let (text, reason, tokens) = ended(Fake::recites("ab"), json!({"ignore_eos": true, "max_tokens": 6})).await;
    assert_eq!((text.as_str(), reason.as_str(), tokens), ("ab", "length", 6));
    let (text, reason, tokens) = ended(Fake::recites("ab"), json!({"min_tokens": 5, "max_tokens": 6})).await;
    assert_eq!((&text[..2], reason.as_str(), tokens), ("ab", "stop", 6));
}

#[tokio::test]
async fn an_unfinished_character_is_shown_as_one() {
    assert_eq!(ended(Fake::recites("aé"), json!({"max_tokens": 2})).await, end("a\u{fffd}", "length", 2));
    assert_eq!(ended(Fake::Recites(vec![0xff, 0x61]), json!({})).await, end("\u{fffd}a", "stop", 3));
}

#[tokio::test]
async fn seeds_and_sampling() {
    let server = start(Fake::Rambles).await;
    let address = server.address;
    let text = |more: Value| async move {
        let body = with(json!({"model": "fake", "prompt": "x", "max_tokens": 30}), more);
        post(address, "/v1/completions", &body).await.json()["choices"][0]["text"].as_str().unwrap().to_owned()
    };
    let greedy = text(json!({"temperature": 0})).await;
    assert_eq!(text(json!({"temperature": 0, "seed": 5})).await, greedy);
    assert_eq!(text(json!({"top_k": 1})).await, greedy);
    assert_eq!(text(json!({"top_p": 0.0})).await, greedy);
    assert_eq!(text(json!({"seed": 5})).await, text(json!({"seed": 5})).await);
    assert_ne!(text(json!({"seed": 5})).await, text(json!({"seed": -5})).await);
    // Without a seed each request has one of its own.
    assert_ne!(text(json!({})).await, text(json!({})).await);
}

#[tokio::test]
async fn the_small_pages() {
    let server = start(Fake::recites("ok")).await;
    let health = get(server.address, "/health").await;
    assert_eq!((health.status, health.body.as_str()), (200, r#"{"status":"ok"}"#));
    let models = get(server.address, "/v1/models").await.json();
    assert_eq!(
        (&models["object"], &models["data"][0]["id"], &models["data"][0]["max_model_len"]),
        (&json!("list"), &json!("fake"), &json!(2048))
    );
    assert_eq!(get(server.address, "/v1/models/fake").await.json(), models["data"][0]);
    assert_eq!(get(server.address, "/v1/models/a/b").await.status, 404);
}

#[tokio::test]
async fn metrics_count_what_happened() {
    let server = start(Fake::recites("four")).await;
    assert_eq!(server.metric("edge_eval_weights_bytes").await, Some(123_456.0));
    post(server.address, "/v1/completions", &json!({"model": "fake", "prompt": "abc", "temperature": 0})).await;
    post(server.address, "/v1/completions", &json!({"model": "fake", "prompt": "abc", "max_tokens": 0})).await;
    // The last news leave before the books are closed.
    server.until("edge_eval_requests_running", 0.0).await;
    for (name, value) in [
        ("edge_eval_requests_total{outcome=\"stop\"}", 1.0),
        ("edge_eval_requests_total{outcome=\"rejected\"}", 1.0),
        ("edge_eval_requests_waiting", 0.0),
        ("edge_eval_prompt_tokens_total", 4.0),
        ("edge_eval_prefix_cache_hit_tokens_total", 0.0),
        ("edge_eval_generation_tokens_total", 5.0),
        ("edge_eval_kv_cache_bytes", 0.0),
        ("edge_eval_kv_cache_peak_bytes", (4.0 + 16.0) * 16.0),
        ("edge_eval_time_to_first_token_seconds_count", 1.0),
        ("edge_eval_inter_token_latency_seconds_count", 4.0),
    ] {
        assert_eq!(server.metric(name).await, Some(value), "{name}");
    }
    assert!(server.metric("process_resident_memory_bytes").await.unwrap() > 1e5);
}
