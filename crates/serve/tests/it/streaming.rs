//! Server-sent events: which come, in what order, with what in them.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::client::{post, with};
use crate::fake::Fake;
use crate::server::{start, tidy};

/// Each event in a line: the text or role or reason of its choices, or its usage.
fn brief(data: &str) -> String {
    let Ok(json) = serde_json::from_str::<Value>(data) else { return data.to_owned() };
    if let Some(error) = json.get("error") {
        return format!("error {}", error["code"]);
    }
    let usage = json.get("usage").map(|usage| format!(" usage {usage}")).unwrap_or_default();
    let choices = json["choices"].as_array().unwrap().iter().map(|choice| {
        let what = choice.get("delta").unwrap_or(&choice["text"]);
        let tokens = |key: &str| choice["logprobs"][key].as_array().map(|list| format!(" logprobs of {}", list.len())).unwrap_or_default();
        format!("{} {what}{}{} {}", choice["index"], tokens("content"), tokens("tokens"), choice["finish_reason"])
    });
    format!("[{}]{usage}", choices.collect::<Vec<_>>().join(", "))
}

async fn check(fake: Fake, path: &str, body: Value, want: Expect) {
    let server = start(fake).await;
    let body = with(json!({"model": "fake", "temperature": 0, "stream": true}), body);
    let response = post(server.address, path, &body).await;
    assert!(response.head.contains("content-type: text/event-stream"), "{}", response.head);
    want.assert_eq(&response.events().into_iter().map(brief).collect::<Vec<_>>().join("\n"));
}

fn chat(more: Value) -> Value {
    with(json!({"messages": [{"role": "user", "content": "Hi"}]}), more)
}

#[tokio::test]
async fn a_chat_begins_with_the_role_and_ends_with_done() {
    check(
        Fake::recites("Hey"),
        "/v1/chat/completions",
        chat(json!({})),
        expect![[r#"
        [0 {"role":"assistant","content":""} null]
        [0 {"content":"H"} null]
        [0 {"content":"e"} null]
        [0 {"content":"y"} null]
        [0 {} "stop"]
        [DONE]"#]],
    )
    .await;
}

#[tokio::test]
async fn usage_comes_last_when_asked_for() {
    let usage = json!({"stream_options": {"include_usage": true}, "max_tokens": 2});
    check(
        Fake::recites("Hey"),
        "/v1/chat/completions",
        chat(usage.clone()),
        expect![[r#"
        [0 {"role":"assistant","content":""} null] usage null
        [0 {"content":"H"} null] usage null
        [0 {"content":"e"} null] usage null
        [0 {} "length"] usage null
        [] usage {"prompt_tokens":21,"completion_tokens":2,"total_tokens":23}
        [DONE]"#]],
    )
    .await;
    let body = with(json!({"prompt": "x"}), usage);
    check(
        Fake::recites("Hey"),
        "/v1/completions",
        body,
        expect![[r#"
        [0 "H" null] usage null
        [0 "e" null] usage null
        [0 "" "length"] usage null
        [] usage {"prompt_tokens":2,"completion_tokens":2,"total_tokens":4}
        [DONE]"#]],
    )
    .await;
}

#[tokio::test]
async fn a_character_of_several_tokens_is_one_event_and_all_its_tokens_count() {
    let body = json!({"prompt": "x", "stream_options": {"include_usage": true}, "logprobs": 0});
    check(
        Fake::recites("a€b"),
        "/v1/completions",
        body,
        expect![[r#"
        [0 "a" logprobs of 1 null] usage null
        [0 "€" logprobs of 3 null] usage null
        [0 "b" logprobs of 1 null] usage null
        [0 "" "stop"] usage null
        [] usage {"prompt_tokens":2,"completion_tokens":6,"total_tokens":8}
        [DONE]"#]],
    )
    .await;
}

#[tokio::test]
async fn no_part_of_a_stop_string_leaks() {
    check(
        Fake::recites("one two STOP three"),
        "/v1/chat/completions",
        chat(json!({"stop": ["STOP"], "max_tokens": 12})),
        expect![[r#"
        [0 {"role":"assistant","content":""} null]
        [0 {"content":"o"} null]
        [0 {"content":"n"} null]
        [0 {"content":"e"} null]
        [0 {"content":" "} null]
        [0 {"content":"t"} null]
        [0 {"content":"w"} null]
        [0 {"content":"o"} null]
        [0 {"content":" "} null]
        [0 {} "stop"]
        [DONE]"#]],
    )
    .await;
    // Text that only looked like the beginning of one comes out once that is clear.
    check(
        Fake::recites("STEP"),
        "/v1/completions",
        json!({"prompt": "x", "stop": "STOP"}),
        expect![[r#"
        [0 "STE" null]
        [0 "P" null]
        [0 "" "stop"]
        [DONE]"#]],
    )
    .await;
}

#[tokio::test]
async fn tokens_without_text_make_no_event_but_count() {
    let body = json!({"prompt": "x", "ignore_eos": true, "max_tokens": 5, "stream_options": {"include_usage": true}});
    check(
        Fake::recites("ab"),
        "/v1/completions",
        body,
        expect![[r#"
        [0 "a" null] usage null
        [0 "b" null] usage null
        [0 "" "length"] usage null
        [] usage {"prompt_tokens":2,"completion_tokens":5,"total_tokens":7}
        [DONE]"#]],
    )
    .await;
}

#[tokio::test]
async fn several_prompts_share_a_stream() {
    let server = start(Fake::recites("ok")).await;
    let body = json!({"model": "fake", "prompt": ["a", "b"], "temperature": 0, "stream": true});
    let response = post(server.address, "/v1/completions", &body).await;
    let text = |index: u64| {
        let of = response.chunks().into_iter().filter(move |chunk| chunk["choices"][0]["index"] == index);
        of.map(|chunk| chunk["choices"][0]["text"].as_str().unwrap().to_owned()).collect::<String>()
    };
    assert_eq!((text(0), text(1)), ("ok".into(), "ok".into()));
    assert_eq!(response.events().iter().filter(|data| **data == "[DONE]").count(), 1);
}

#[tokio::test]
async fn whole_and_streamed_say_the_same() {
    let server = start(Fake::Rambles).await;
    let body = |stream: bool| json!({"model": "fake", "prompt": "x", "seed": 3, "max_tokens": 50, "stream": stream});
    let whole = post(server.address, "/v1/completions", &body(false)).await.json()["choices"][0]["text"].as_str().unwrap().to_owned();
    let chunks = post(server.address, "/v1/completions", &body(true)).await.chunks();
    assert_eq!(chunks.len(), 51);
    assert_eq!(chunks.iter().map(|chunk| chunk["choices"][0]["text"].as_str().unwrap()).collect::<String>(), whole);
}

#[tokio::test]
async fn a_failure_in_the_middle_is_an_event() {
    check(
        Fake::Fails,
        "/v1/chat/completions",
        chat(json!({})),
        expect![[r#"
        [0 {"role":"assistant","content":""} null]
        [0 {"content":"f"} null]
        error "engine_failed""#]],
    )
    .await;
}

#[tokio::test]
async fn the_first_chunks_in_full() {
    let server = start(Fake::recites("é")).await;
    let body = json!({
        "model": "fake", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0, "stream": true, "logprobs": true, "top_logprobs": 1,
    });
    let chunks = post(server.address, "/v1/chat/completions", &body).await.chunks();
    expect![[r#"
        {
          "id": "chatcmpl-ID",
          "object": "chat.completion.chunk",
          "created": "TIME",
          "model": "fake",
          "system_fingerprint": "edge-eval-0.1.0",
          "choices": [
            {
              "index": 0,
              "delta": {
                "role": "assistant",
                "content": ""
              },
              "logprobs": null,
              "finish_reason": null
            }
          ]
        }
        {
          "id": "chatcmpl-ID",
          "object": "chat.completion.chunk",
          "created": "TIME",
          "model": "fake",
          "system_fingerprint": "edge-eval-0.1.0",
          "choices": [
            {
              "index": 0,
              "delta": {
                "content": "é"
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
                      }
                    ]
                  }
                ],
                "refusal": null
              },
              "finish_reason": null
            }
          ]
        }"#]]
    .assert_eq(&chunks.into_iter().take(2).map(tidy).collect::<Vec<_>>().join("\n"));
}
