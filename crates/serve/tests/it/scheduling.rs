//! Many clients at once: answers do not depend on the neighbours, a slow reader or one that hangs up harms nobody.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::client::{self, post, read_until, send, with};
use crate::fake::Fake;
use crate::server::{limits, start, start_with};

fn body(seed: u64, more: Value) -> Value {
    let prompt = "once upon a time ".repeat(1 + seed as usize * 9 % 70);
    let body = json!({"model": "fake", "prompt": format!("{seed} {prompt}"), "seed": seed, "max_tokens": 20 + seed, "temperature": 0.8});
    with(body, more)
}

async fn answer(address: std::net::SocketAddr, seed: u64) -> String {
    post(address, "/v1/completions", &body(seed, json!({}))).await.json()["choices"][0]["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_answer_does_not_depend_on_its_neighbours() {
    let mut alone = Vec::new();
    let server = start_with(Fake::Rambles, limits(1)).await;
    for seed in 0..12 {
        alone.push(answer(server.address, seed).await);
    }
    for max_concurrent in [1, 3, 12] {
        let server = start_with(Fake::Rambles, limits(max_concurrent)).await;
        let address = server.address;
        let tasks: Vec<_> = (0..12).map(|seed| tokio::spawn(answer(address, seed))).collect();
        let mut together = Vec::new();
        for task in tasks {
            together.push(task.await.unwrap());
        }
        assert_eq!(together, alone, "at {max_concurrent} sequences");
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_its_sequence() {
    let server = start_with(Fake::Slow(Duration::from_millis(1)), limits(1)).await;
    for (stream, cancelled) in [(true, 1.0), (false, 2.0)] {
        let long = body(1, json!({"max_tokens": 1800, "stream": stream}));
        let mut socket = send(server.address, "POST", "/v1/completions", long.to_string().as_bytes()).await;
        if stream {
            read_until(&mut socket, "data: ").await;
        } else {
            server.until("edge_eval_requests_running", 1.0).await;
        }
        drop(socket);
        server.until("edge_eval_requests_total{outcome=\"cancelled\"}", cancelled).await;
        server.until("edge_eval_kv_cache_bytes", 0.0).await;
    }
    assert!(server.metric("edge_eval_generation_tokens_total").await.unwrap() < 3000.0);
}

#[tokio::test]
async fn a_client_that_hangs_up_while_waiting_is_never_started() {
    let server = start_with(Fake::Slow(Duration::from_millis(1)), limits(1)).await;
    let long = body(1, json!({"max_tokens": 1800, "stream": true})).to_string();
    let mut first = send(server.address, "POST", "/v1/completions", long.as_bytes()).await;
    read_until(&mut first, "data: ").await;
    let second = send(server.address, "POST", "/v1/completions", long.as_bytes()).await;
    server.until("edge_eval_requests_waiting", 1.0).await;
    drop(second);
    drop(first);
    server.until("edge_eval_requests_total{outcome=\"cancelled\"}", 2.0).await;
    assert_eq!(server.metric("edge_eval_time_to_first_token_seconds_count").await, Some(1.0));
}

#[tokio::test]
async fn more_than_the_places_wait_their_turn() {
    let server = start_with(Fake::Slow(Duration::from_millis(1)), limits(2)).await;
    let address = server.address;
    let tasks: Vec<_> = (0..5).map(|seed| tokio::spawn(answer(address, seed))).collect();
    server.until("edge_eval_requests_waiting", 3.0).await;
    assert_eq!(server.metric("edge_eval_requests_running").await, Some(2.0));
    for task in tasks {
        assert!(!task.await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_halts_only_itself() {
    let server = start_with(Fake::Rambles, limits(2)).await;
    // Long enough to fill the sockets' buffers and the engine's: each token's alternatives are a few kilobytes.
    let long = body(3, json!({"max_tokens": 2000, "prompt": "x", "stream": true, "logprobs": 20}));
    let mut slow = send(server.address, "POST", "/v1/completions", long.to_string().as_bytes()).await;
    for seed in 0..6 {
        assert!(!answer(server.address, seed).await.is_empty());
    }
    let mut raw = Vec::new();
    slow.read_to_end(&mut raw).await.unwrap();
    let chunks = client::parse(&raw).chunks();
    assert_eq!(chunks.len(), 2001, "every token came, and the end");
}

#[tokio::test]
async fn the_first_token_of_the_server_is_told_once() {
    let mut server = start(Fake::recites("ok")).await;
    for seed in 0..2 {
        answer(server.address, seed).await;
    }
    let told = server.wait_for(|what| *what == serve::What::FirstToken).await;
    assert!(told.at.get() > 0);
    server.tell_to_stop();
    let next = server.events.recv().await.unwrap();
    assert_eq!(next.what, serve::What::Stopping);
}
